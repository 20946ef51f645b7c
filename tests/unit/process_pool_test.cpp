// PortPool::process(), which a process builds but once: what a program makes of its environment.

#include <gmock/gmock.h>

#include <cstdlib>
#include <regex>
#include <string>
#include <utility>

#include <portpool/adapter.hpp>
#include <portpool/portpool.hpp>

#include "surroundings.hpp"

namespace portpool::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

/// What the program prints that shows the pool of its process.
std::string outputOf(int allocations) {
  return Program(SHOW_PROCESS_POOL, std::to_string(allocations)).all();
}

/// As the value of a variable.
bool isNotToBeHad(const std::string& value) { return value.empty() && !canSetToNothing(); }

MATCHER(IsOneLine, "is one line") { return arg.find('\n') == arg.size() - 1; }

TEST(ProcessPool, IsBuiltOnce) { EXPECT_EQ(&PortPool::process(), &PortPool::process()); }

TEST(ProcessPool, HasTheServerPorts) {
  EXPECT_EQ(PortPool::process().ports(), getServerTCPPorts());
  const ScopedEnvironment ports("PORTPOOL_PORTS", freshPorts(3).toString());
  EXPECT_THAT(outputOf(0), HasSubstr("size 3\n"));
}

TEST(ProcessPool, TakesItsSeedFromTheEnvironment) {
  const ScopedEnvironment ports("PORTPOOL_PORTS", freshPorts(10).toString());
  for (const char* seed : {"0", "42", "18446744073709551615"}) {
    const ScopedEnvironment variable("PORTPOOL_SEED", seed);
    const auto output = outputOf(10);
    EXPECT_THAT(output, HasSubstr("seed " + std::string(seed) + '\n'));
    EXPECT_EQ(output, outputOf(10)) << "the order differs";
  }
}

TEST(ProcessPool, HasASeedOfItsOwnWithoutOne) { EXPECT_NE(outputOf(0), outputOf(0)); }

TEST(ProcessPool, TakesItsWaitTimeFromTheEnvironment) {
  const ScopedEnvironment ports("PORTPOOL_PORTS", freshPorts(1).toString());
  for (const char* seconds : {"0", "1"}) {
    const ScopedEnvironment variable("PORTPOOL_WAIT_SECONDS", seconds);
    EXPECT_THAT(outputOf(2), HasSubstr("NoPortAvailableError: no TCP port became free in " +
                                       std::string(seconds) + " s; "));
  }
}

TEST(ProcessPool, WaitsAMinuteByDefault) {
  PortPool mine(freshPorts(1));
  auto owner = mine.allocate();
  const ScopedEnvironment ports("PORTPOOL_PORTS", mine.ports().toString());
  const Program program(SHOW_PROCESS_POOL, "1");
  EXPECT_EQ(program.line(), "size 1");
  EXPECT_THAT(program.line(), StartsWith("seed "));
  EXPECT_THAT(program.line(), StartsWith("portpool: waiting for a TCP port, up to 60 s; "));
  const auto port = owner.port();
  owner.cleanup();
  EXPECT_EQ(program.line(), "got " + std::to_string(port));
  EXPECT_EQ(program.line(), "");
}

TEST(ProcessPool, SaysWhatItDoesIfVerbose) {
  const auto port = std::to_string(freshPort());
  const ScopedEnvironment ports("PORTPOOL_PORTS", port);
  const ScopedEnvironment seed("PORTPOOL_SEED", "42");
  EXPECT_THAT(outputOf(1), Not(HasSubstr("portpool: ")));
  {
    const ScopedEnvironment verbose("PORTPOOL_VERBOSE", "0");
    EXPECT_THAT(outputOf(1), Not(HasSubstr("portpool: ")));
  }
  const ScopedEnvironment verbose("PORTPOOL_VERBOSE", "1");
  EXPECT_EQ(outputOf(1), "portpool: seed 42 (PORTPOOL_SEED) for 1 port: " + port +
                             "\nsize 1\nseed 42\nportpool: port " + port + " handed out\ngot " +
                             port + "\nportpool: port " + port +
                             " returned\nportpool: 1 port handed out in total, at most 1 at a "
                             "time, 0 of them never returned\n");
}

TEST(ProcessPool, SaysTheSeedThatRepeatsTheOrder) {
  const ScopedEnvironment ports("PORTPOOL_PORTS", freshPorts(10).toString());
  const ScopedEnvironment verbose("PORTPOOL_VERBOSE", "1");
  const auto output = outputOf(10);
  std::smatch seed;
  ASSERT_TRUE(std::regex_search(output, seed, std::regex("portpool: seed (\\d+) ")));
  const ScopedEnvironment variable("PORTPOOL_SEED", seed[1].str());
  EXPECT_EQ(outputOf(10), output);
  EXPECT_THAT(output, HasSubstr("portpool: 10 ports handed out in total, at most 10 at a time, "));
}

TEST(ProcessPool, IsBuiltForEveryPolicyOnLeaks) {
  for (const char* policy : {"warn", "fail", "ignore"}) {
    const ScopedEnvironment leaks("PORTPOOL_LEAKS", policy);
    EXPECT_THAT(outputOf(1), HasSubstr("\ngot "));
  }
}

TEST(ProcessPool, GarbageForANumberIsAnErrorThatNamesIt) {
  struct Setting {
    const char* name;
    const char* largest;
    const char* tooLarge;
  };
  for (const auto& [name, largest, tooLarge] :
       {Setting{"PORTPOOL_WAIT_SECONDS", "86400", "86401"},
        {"PORTPOOL_SEED", "18446744073709551615", "18446744073709551616"}}) {
    for (const char* garbage :
         {tooLarge, "", " ", "-1", "+1", "1.5", "1s", " 1", "1 ", "0x1", "yes"}) {
      if (isNotToBeHad(garbage)) continue;
      const ScopedEnvironment variable(name, garbage);
      EXPECT_THAT(outputOf(1),
                  StartsWith("PortSpecificationError: " + std::string(name) + ": \"" + garbage +
                             "\" is not a whole number from 0 to " + largest + "; "));
    }
  }
}

TEST(ProcessPool, GarbageForAChoiceIsAnErrorThatNamesIt) {
  struct Setting {
    const char* name;
    const char* choices;
  };
  for (const auto& [name, choices] : {Setting{"PORTPOOL_VERBOSE", "0, 1"},
                                      {"PORTPOOL_HOLD", "0, 1"},
                                      {"PORTPOOL_LEAKS", "warn, fail, ignore"}}) {
    for (const char* garbage : {"", " ", "-1", "2", "01", " 1", "1 ", "yes", "WARN", "warn,fail"}) {
      if (isNotToBeHad(garbage)) continue;
      const ScopedEnvironment variable(name, garbage);
      EXPECT_THAT(outputOf(1),
                  StartsWith("PortSpecificationError: " + std::string(name) + ": \"" + garbage +
                             "\" is not one of " + choices + "; set one of these, or unset"));
    }
  }
}

TEST(ProcessPool, NeedsTheIsolationThatIsRequested) {
  const ScopedEnvironment variable("PORTPOOL_ISOLATE", "1");
  EXPECT_THAT(outputOf(1), StartsWith("IsolationError: PORTPOOL_ISOLATE=1 is set, but this process "
                                      "is not isolated: its main has not called "));
}

TEST(ProcessPool, WarnsOnceIfIsolationIsNotTried) {
  const ScopedEnvironment ports("PORTPOOL_PORTS", freshPorts(2).toString());
  const ScopedEnvironment variable("PORTPOOL_ISOLATE", "try");
  const auto output = outputOf(2);
  EXPECT_THAT(output, StartsWith("portpool: warning: PORTPOOL_ISOLATE=try is set, but this "));
  EXPECT_THAT(output.substr(1), AllOf(HasSubstr("\ngot "), Not(HasSubstr("portpool: warning"))));
}

TEST(ProcessPool, WarnsOfAVariableThatDoesNotExist) {
  for (const std::string name : {"PORTPOOL_PORT", "PORTPOOL_WAIT_SECS", "PORTPOOL_TIMEOUT"}) {
    const ScopedEnvironment variable(name.c_str(), "1");
    EXPECT_THAT(outputOf(1),
                AllOf(StartsWith("portpool: warning: the environment variable " + name +
                                 " is set, but portpool does not know it; unset it, or rename it "
                                 "to one of PORTPOOL_PORTS, PORTPOOL_PORTS_FILE, "),
                      HasSubstr(", PORTPOOL_VERBOSE")));
  }
}

TEST(ProcessPool, WarnsOfAVariableOnce) {
  const ScopedEnvironment variable("PORTPOOL_PORT", "20000");
  const ScopedEnvironment garbage("PORTPOOL_PORTS", "oops");
  EXPECT_THAT(outputOf(1), AllOf(StartsWith("portpool: warning: the environment variable "),
                                 HasSubstr("\nPortSpecificationError: PORTPOOL_PORTS: ")));
  GTEST_FLAG_SET(death_test_style, "threadsafe");  // in a process that has not warned yet
  EXPECT_EXIT(
      {
        for (int i = 0; i < 2; ++i) {
          if (processPoolFault().empty()) std::exit(2);
        }
        std::exit(0);
      },
      ::testing::ExitedWithCode(0), AllOf(StartsWith("portpool: warning: "), IsOneLine()));
}

TEST(ProcessPool, LeavesTheVariablesOfOthersAlone) {
  const ScopedEnvironment pysys("PYSYS_PORT", "20000");
  const ScopedEnvironment other("MY_PORTPOOL_PORT", "20000");
  EXPECT_THAT(outputOf(1), StartsWith("size "));
  if (!hasVariablesByCase()) return;
  const ScopedEnvironment lower("portpool_ports", "20000");
  EXPECT_THAT(outputOf(1), StartsWith("size "));
}

TEST(ProcessPool, CannotBeBuiltFromGarbage) {
  const ScopedEnvironment ports("PORTPOOL_PORTS", "20000,oops");
  EXPECT_THAT(outputOf(1), StartsWith("PortSpecificationError: PORTPOOL_PORTS: \"oops\""));
}

// Before main, when the streams of the standard library may not be there yet.
TEST(ProcessPool, LogsAtAnyMomentOfTheProgram) {
  const ScopedEnvironment verbose("PORTPOOL_VERBOSE", "1");
  EXPECT_THAT(Program(STATIC_PORT).all(),
              AllOf(HasSubstr("handed out\n"), HasSubstr("1 of them never returned\n")));
}

}  // namespace
}  // namespace portpool::test
