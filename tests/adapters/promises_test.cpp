// The stronger promises through both adapters, by running programs that use them.

#include "both_frameworks.hpp"

#include <gtest/gtest.h>

namespace {

class PromisesInBoth : public InBoth {};
INSTANTIATE_TEST_SUITE_P(Adapters, PromisesInBoth, ::testing::Values(kGTest, kCatch2),
                         [](const auto& framework) { return framework.param.name; });

TEST_P(PromisesInBoth, EveryFunctionKeepsItsPromiseAndReturnsItsPorts) {
  for (const auto& scenario :
       {Scenario{"", "Promises.OfFunctions", "promises of functions", "", ""},
        Scenario{"", "PromisesOfFixture.AreKept", "promises of the fixture", "", ""}}) {
    SCOPED_TRACE(scenario.gtest);
    const auto result = run(scenario, {{"PORTPOOL_LEAKS", "fail"}});
    EXPECT_EQ(result.exitCode, 0) << result.output;
    EXPECT_EQ(result.count("handed out"), 10u);
    expectEveryPortReturnedAfterItsServer(result);
  }
}

TEST_P(PromisesInBoth, AVariableHoldsEveryPort) {
  const Scenario scenario{"", "PromisesOfFixture.HoldsByVariable", "holds by variable", "", ""};
  const auto with = run(scenario, {{"PORTPOOL_HOLD", "1"}, {"PORTPOOL_LEAKS", "fail"}});
  EXPECT_EQ(with.exitCode, 0) << with.output;
  expectEveryPortReturnedAfterItsServer(with);
  EXPECT_NE(run(scenario, {{"PORTPOOL_HOLD", "0"}}).exitCode, 0);
}

}  // namespace
