#include "command.hpp"

#include "support/temporary_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <portpool/portpool.hpp>

#include <filesystem>
#include <fstream>
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

TEST_P(GetIn, AScriptThatItsFirstLineStartsLeasesForIt) {
  const TemporaryFile script;
  const auto shell = runScript(std::string("command -v ") + GetParam()).output;
  const auto folder = std::filesystem::path(PORTPOOL_COMMAND).parent_path().string();
  std::ofstream(script.path()) << "#!" << shell << "PATH=" << folder << ":$PATH; "
                               << scriptWith("$(portpool get | cat)") << '\n';
  std::filesystem::permissions(script.path(), std::filesystem::perms::owner_all);
  const auto result = runScript("exec " + script.path());
  const auto numbers = portsIn(result.output);
  ASSERT_EQ(numbers.size(), 2U) << result.output << result.errors;
  EXPECT_EQ(numbers[1], 1U) << "it is not leased";
  awaitReturnOf(numbers[0]);
}

TEST_P(GetIn, AProgramBetweenThemLeasesForTheScriptByName) {
  expectLeasedUntilTheEnd("$(timeout 60 portpool get --for $$)");
}

TEST_P(GetIn, AProcessSubstitutionLeasesForTheScriptByName) {
  if (GetParam() == std::string("dash")) GTEST_SKIP() << "it has no process substitutions";
  expectLeasedUntilTheEnd("$(exec cat <(portpool get --for $$))");
  expectLeasedUntilTheEnd("$(cat < <(portpool get --for $$))");
}

TEST(Get, LeasesForTheProgramThatRunsAShellByName) {
  const TemporaryFile makefile;
  std::ofstream(makefile.path()) << "PORT := $(shell portpool get --for $$PPID | head -1)\n"
                                    "all:; @portpool list --json; echo $(PORT) >&2\n";
  if (runScript("command -v make").exitCode != 0) GTEST_SKIP() << "there is no make";
  const auto result = runScript("make -f " + makefile.path());
  const auto ports = portsIn(result.errors);
  ASSERT_EQ(ports.size(), 1U) << result.output << result.errors;
  EXPECT_THAT(result.output, HasSubstr("\"port\": " + std::to_string(ports[0])));
  awaitReturnOf(ports[0]);
}

TEST(Get, KnowsAShellByTheNameOfItsProgram) {
  for (const std::string name : {"posh", "ksh93", "busybox"}) {
    const auto result = runScript("folder=$(mktemp -d); shell=$folder/" + name +
                                  "; cp \"$(readlink -f \"$(command -v sh)\")\" $shell; "
                                  "$shell -c '" +
                                  scriptWith("$(portpool get | cat)") + "'; rm -r $folder");
    const auto numbers = portsIn(result.output);
    ASSERT_EQ(numbers.size(), 2U) << name << '\n' << result.output << result.errors;
    EXPECT_EQ(numbers[1], 1U) << name << ": it is not leased";
  }
}

TEST(Get, LeasesWhicheverStandardDescriptorIsClosed) {
  for (const auto* closed : {"<&-", "2>&-", "<&- 2>&-"}) {
    const auto result = runScript(scriptWith(std::string("$(portpool get ") + closed + ")"));
    const auto numbers = portsIn(result.output);
    ASSERT_EQ(numbers.size(), 2U) << closed << '\n' << result.output << result.errors;
    EXPECT_EQ(numbers[1], 1U) << closed << ": it is not leased";
  }
}

TEST(Get, KeepsNoPortThatItCouldNotPrint) {
  std::string port;
  {
    const TCPPortOwner owner;
    port = std::to_string(owner.port());
  }
  // It is taken again as soon as nobody has it, though the shell lives.
  const auto result =
      runScript("portpool get --for $$ > /dev/full 2> /dev/null; echo $?; portpool get --for $$",
                "sh", {{"PORTPOOL_PORTS", port}, {"PORTPOOL_WAIT_SECONDS", "600"}});
  EXPECT_EQ(result.output, "1\n" + port + '\n') << result.errors;
}

TEST(Get, KeepsNoPortThatNobodyReads) {
  const auto port = std::to_string(TCPPortOwner().port());
  // Its output is a pipe whose reader has ended.
  const auto result = runScript(
      "fifo=$(mktemp -u); mkfifo $fifo; : < $fifo & exec 3> $fifo; wait; rm $fifo; "
      "portpool get --for $$ >&3; echo $?; exec 3>&-; portpool get --for $$",
      "sh", {{"PORTPOOL_PORTS", port}, {"PORTPOOL_WAIT_SECONDS", "600"}});
  EXPECT_EQ(result.output, "1\n" + port + '\n') << result.errors;
  EXPECT_THAT(result.errors, HasSubstr("stdout: "));
}

TEST(Get, FailsWithoutAnOutput) {
  const auto port = std::to_string(TCPPortOwner().port());
  const auto result = runScript("portpool get --for $$ >&-; echo $?; portpool get --for $$", "sh",
                                {{"PORTPOOL_PORTS", port}, {"PORTPOOL_WAIT_SECONDS", "600"}});
  EXPECT_EQ(result.output, "1\n" + port + '\n') << result.errors;
  EXPECT_THAT(result.errors, HasSubstr("stdout: "));
}

TEST(Get, LeasesForTheCallersNetworkWhateverIsIsolated) {
  for (const auto* mode : {"1", "try"}) {
    const auto result =
        runScript(scriptWith("$(portpool get)"), "sh", {{"PORTPOOL_ISOLATE", mode}});
    const auto numbers = portsIn(result.output);
    ASSERT_EQ(numbers.size(), 2U) << result.output << result.errors;
    EXPECT_EQ(numbers[1], 1U) << "it is not leased";
    EXPECT_EQ(result.errors, "");
  }
}

TEST(Get, WaitsForAPortNoLongerThanItLives) {
  const TCPPortOwner owner;
  // The output is at its end when the process that was to hold the port has ended, too.
  const auto result = runScript(
      "timeout 1 portpool get --for $$ 2>&1 | cat; echo over", "sh",
      {{"PORTPOOL_PORTS", std::to_string(owner.port())}, {"PORTPOOL_WAIT_SECONDS", "600"}});
  EXPECT_THAT(result.output, HasSubstr("over\n"));
}

TEST(Get, PrintsAPortToALine) {
  const auto result = runPortpool({"get", "-n", "3", "--block"});
  EXPECT_EQ(result.exitCode, 0) << result.errors;
  const auto ports = portsIn(result.output);
  ASSERT_EQ(ports.size(), 3U);
  EXPECT_EQ(result.output, std::to_string(ports[0]) + '\n' + std::to_string(ports[0] + 1) + '\n' +
                               std::to_string(ports[0] + 2) + '\n');
}

TEST(Get, PrintsPortsOfAnotherShape) {
  for (const std::string transport : {"", " --udp"}) {
    const auto result = runScript("portpool get --multiple-of 97" + transport +
                                  "; portpool get -n 2 --block --multiple-of 97" + transport +
                                  "; portpool get -n 2 --distance 100" + transport);
    const auto ports = portsIn(result.output);
    ASSERT_EQ(ports.size(), 5U) << result.errors;
    EXPECT_EQ(ports[0] % 97, 0);
    EXPECT_EQ(ports[1] % 97, 0);
    EXPECT_EQ(ports[2], ports[1] + 1);
    EXPECT_EQ(ports[4], ports[3] + 100);
  }
}

TEST(Get, LeasesForTheProcessThatIsNamed) {
  const auto result = runScript(
      "sleep 1000 & PORT=$(portpool get --udp --for $!); kill -9 $!; wait $! 2> /dev/null; "
      "until PORTPOOL_PORTS=$PORT PORTPOOL_WAIT_SECONDS=0 portpool get 2> /dev/null; do :; done");
  EXPECT_EQ(result.exitCode, 0) << result.errors;
  EXPECT_EQ(portsIn(result.output).size(), 1U);
}

TEST(Get, LeasesForTheProcessThatIsNamedWhoeverCalls) {
  // Without /proc, as where it hides the processes of others, nobody knows who calls.
  const std::string hidden = "unshare -rm sh -c 'mount -t tmpfs none /proc && ";
  if (runScript(hidden + "true'").exitCode != 0) GTEST_SKIP() << "/proc cannot be hidden here";
  const auto result = runScript(hidden + "portpool get --for $$; portpool get'", "sh",
                                {{"PORTPOOL_PORTS", getServerTCPPorts().toString()}});
  EXPECT_EQ(portsIn(result.output).size(), 1U) << result.errors;
  EXPECT_THAT(result.errors, HasSubstr("/proc does not show which process calls"));
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
