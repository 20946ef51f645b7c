#include "command.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <portpool/portpool.hpp>

#include <filesystem>
#include <string>

namespace portpool::test {
namespace {

using ::testing::HasSubstr;

/// A script that prints a port, and 1 if nobody else can have it while the script runs, by `get`.
std::string scriptWith(const std::string& get) {
  return "PORT=" + get +
         "; echo $PORT; PORTPOOL_PORTS=$PORT PORTPOOL_WAIT_SECONDS=0 portpool get --for $$ "
         "2> /dev/null; echo $?";
}

class GetIn : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (runScript("exit 0", GetParam()).exitCode != 0) {
      GTEST_SKIP() << "there is no " << GetParam() << " here";
    }
  }

  static void expectLeasedUntilTheEnd(const std::string& get) {
    const auto result = runScript(scriptWith(get), GetParam());
    const auto numbers = portsIn(result.output);
    ASSERT_EQ(numbers.size(), 2U) << get << '\n' << result.output << result.errors;
    EXPECT_EQ(numbers[1], 1U) << get << ": it is not leased\n" << result.errors;
    awaitReturnOf(numbers[0]);
  }
};

INSTANTIATE_TEST_SUITE_P(Shells, GetIn, ::testing::Values("dash", "bash", "zsh"),
                         [](const auto& shell) { return std::string(shell.param); });

TEST_P(GetIn, ASubstitutionLeasesForTheScript) { expectLeasedUntilTheEnd("$(portpool get)"); }
TEST_P(GetIn, APipeLeasesForTheScript) { expectLeasedUntilTheEnd("$(portpool get | cat)"); }
TEST_P(GetIn, ASubshellLeasesForTheScript) {
  expectLeasedUntilTheEnd("$(cd /; (portpool get) | (cat))");
}
TEST_P(GetIn, AFunctionLeasesForTheScript) {
  expectLeasedUntilTheEnd("$(port() { portpool get; true; }; port)");
}
TEST_P(GetIn, ASubstitutionByNameLeasesForTheScript) {
  expectLeasedUntilTheEnd("$(portpool get --for $$)");
}

TEST_P(GetIn, AScriptWithoutExecLeasesForIt) {
  const auto result =
      runScript("exec 3>&1; sh -c '" + scriptWith("$(portpool get)") + "'", GetParam());
  const auto numbers = portsIn(result.output);
  ASSERT_EQ(numbers.size(), 2U) << result.output << result.errors;
  EXPECT_EQ(numbers[1], 1U);
  awaitReturnOf(numbers[0]);
}

TEST(Get, PrintsAPortToALine) {
  const auto result = runPortpool({"get", "-n", "3", "--block"});
  EXPECT_EQ(result.exitCode, 0) << result.errors;
  const auto ports = portsIn(result.output);
  ASSERT_EQ(ports.size(), 3U);
  EXPECT_EQ(result.output, std::to_string(ports[0]) + '\n' + std::to_string(ports[0] + 1) + '\n' +
                               std::to_string(ports[0] + 2) + '\n');
}

TEST(Get, LeasesForTheProcessThatIsNamed) {
  const auto result = runScript(
      "sleep 1000 & PORT=$(portpool get --udp --for $!); kill -9 $!; wait $! 2> /dev/null; "
      "until PORTPOOL_PORTS=$PORT PORTPOOL_WAIT_SECONDS=0 portpool get 2> /dev/null; do :; done");
  EXPECT_EQ(result.exitCode, 0) << result.errors;
  EXPECT_EQ(portsIn(result.output).size(), 1U);
}

TEST(Get, RefusesAProcessThatDoesNotRun) {
  const auto result = runScript("true & wait; portpool get --for $!");
  EXPECT_EQ(result.exitCode, 1);
  EXPECT_EQ(result.output, "");
  EXPECT_THAT(result.errors, HasSubstr("cannot lease ports for process"));
}

TEST(Get, SaysThatNoPortIsFree) {
  const TCPPortOwner owner;
  const auto result = runPortpool(
      {"get"}, {{"PORTPOOL_PORTS", std::to_string(owner.port())}, {"PORTPOOL_WAIT_SECONDS", "0"}});
  EXPECT_EQ(result.exitCode, 1);
  EXPECT_THAT(result.errors, HasSubstr("no TCP port became free"));
}

TEST(Get, KeepsNobodyWaitingForItsDescriptors) {
  // Both ends of a pipe, and an open file, are inherited; a reader sees the end of the pipe though
  // the ports are leased.
  const auto result =
      runScript("{ portpool get --for $$ > /dev/null; } 2>&1 4>&1 | cat; echo over");
  EXPECT_EQ(result.output, "over\n");
}

}  // namespace
}  // namespace portpool::test
