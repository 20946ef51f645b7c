// Fixtures of a user that are extended by PortFixture, by running programs that have them.

#include "both_frameworks.hpp"

#include <gtest/gtest.h>

namespace {

class FixturesInBoth : public InBoth {};
INSTANTIATE_TEST_SUITE_P(Adapters, FixturesInBoth, ::testing::Values(kGTest, kCatch2),
                         [](const auto& framework) { return framework.param.name; });

TEST_P(FixturesInBoth, KeepTheirNamesAndConstructors) {
  for (const auto& [scenario, servers] :
       {std::pair{Scenario{"", "OwnFixtureNames.*", "own fixture's names", "", ""}, 1U},
        std::pair{Scenario{"", "OwnFixtureLookup.*", "own fixture's lookup", "", ""}, 1U},
        std::pair{Scenario{"", "OwnFixtureArguments.*", "own fixture's arguments", "", ""}, 1U},
        std::pair{
            Scenario{"", "OwnFixtureDerived.*", "own fixture derived from a port fixture", "", ""},
            3U}}) {
    SCOPED_TRACE(scenario.gtest);
    const auto result = run(scenario, {{"PORTPOOL_LEAKS", "fail"}});
    EXPECT_EQ(result.exitCode, 0) << result.output;
    EXPECT_EQ(result.count("server starts"), servers);
    EXPECT_EQ(result.count("test ends"), 1U);
    expectEveryPortReturnedAfterItsServer(result);
  }
}

}  // namespace
