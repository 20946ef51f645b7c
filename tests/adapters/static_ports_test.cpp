// Ports that static objects take, before any test runs.

#include "transcript.hpp"

#include <gtest/gtest.h>

#include <portpool/portpool.hpp>
#include <string>

namespace {

struct Program {
  std::string name;
  std::string path;
  std::string list;
};

class StaticPorts : public ::testing::TestWithParam<Program> {
 protected:
  static ::Run run(const Arguments& arguments, const Variables& variables = {}) {
    return runSubject(GetParam().path, arguments, variables);
  }
};

INSTANTIATE_TEST_SUITE_P(Adapters, StaticPorts,
                         ::testing::Values(Program{"GTest", STATIC_GTEST, "--gtest_list_tests"},
                                           Program{"Catch2", STATIC_CATCH2, "--list-tests"}),
                         [](const auto& program) { return program.param.name; });

constexpr const char* kBadPortsBeforeTests =
    "portpool: before the tests run: PORTPOOL_PORTS: \"20000-x\" is neither a port nor a range of";

TEST_P(StaticPorts, AreLeased) {
  const auto result = run({});
  EXPECT_EQ(result.exitCode, 0) << result.output << result.errors;
  EXPECT_EQ(result.count("server starts"), 6U);
}

TEST_P(StaticPorts, OfAPoolThatCannotBeBuiltFailTheRunAndSayWhy) {
  const auto result = run({}, kBadPorts);
  EXPECT_NE(result.exitCode, 0);
  EXPECT_EQ(result.count("server starts"), 0U);
  EXPECT_TRUE(contains(result.errors, kBadPortsBeforeTests)) << result.errors;
  EXPECT_FALSE(contains(result.output + result.errors, "terminate")) << result.errors;
}

TEST_P(StaticPorts, ThatCannotBeHadFailTheRunAndSayWhy) {
  const portpool::TCPPortOwner taken;
  const auto result =
      run({}, {{"PORTPOOL_PORTS", std::to_string(taken.port())}, {"PORTPOOL_WAIT_SECONDS", "0"}});
  EXPECT_NE(result.exitCode, 0);
  EXPECT_EQ(result.count("server starts"), 0U);
  EXPECT_TRUE(contains(result.output + result.errors, "no TCP port became free"));
  EXPECT_FALSE(contains(result.output + result.errors, "terminate")) << result.errors;
}

TEST_P(StaticPorts, LetTheTestsBeListed) {
  for (const auto& variables : {Variables(), kBadPorts}) {
    const auto result = run({GetParam().list}, variables);
    // Catch2 2.13 exits with the number of what it lists.
    const bool isCounted = GetParam().name == "Catch2" && !kIsCatch2Version3;
    EXPECT_EQ(result.exitCode, isCounted ? 1 : 0) << result.errors;
    EXPECT_TRUE(contains(result.output, GetParam().name == "GTest" ? "AreServed" : "are served"))
        << result.output;
  }
}

}  // namespace
