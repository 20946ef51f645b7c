// Programs that isolate themselves, by the main functions of both adapters.

#include "fork.hpp"
#include "support/network.hpp"
#include "support/token_server.hpp"
#include "transcript.hpp"

#include <gtest/gtest.h>

#include <portpool/portpool.hpp>
#include <string>
#include <vector>

namespace {

/// The networks of the subject, as the events of this label tell them.
std::vector<std::string> networksIn(const Run& run, const std::string& label = "in network ") {
  std::vector<std::string> networks;
  for (const auto& event : run.events) {
    if (event.label.rfind(label, 0) == 0) networks.push_back(event.label.substr(label.size()));
  }
  return networks;
}

struct Main {
  std::string name;
  Arguments command;  ///< that serves on a hard-coded port, program first
  std::vector<Arguments> lists;
};

const std::vector<Main> kMains{
    {"GTestMain",
     {GTEST_SUBJECT, "--gtest_filter=Isolated.ServesOnHardCodedPort"},
     {{GTEST_SUBJECT, "--gtest_list_tests"}}},
    {"GMockMain",
     {GMOCK_SUBJECT, "--gtest_filter=Isolated.ServesOnHardCodedPort"},
     {{GMOCK_SUBJECT, "--gtest_list_tests"}}},
    {"Catch2Main",
     {CATCH2_SUBJECT, "isolated", "-r", "compact"},
     {{CATCH2_SUBJECT, "--list-tests"},
      {CATCH2_SUBJECT, "--list-tags"},
      {CATCH2_SUBJECT, "--list-reporters"},
      {CATCH2_SUBJECT, kIsCatch2Version3 ? "--list-listeners" : "--list-test-names-only"}}}};

/// Runs programs, while this one serves on the port that is hard-coded in them.
class IsolatedProgram : public ::testing::Test {
 protected:
  ::Run run(const std::string& mode, Arguments command) const {
    const auto program = command.front();
    command.erase(command.begin());
    Variables variables{{"SUBJECT_PORT", std::to_string(owner_.port())}};
    if (!mode.empty()) variables.emplace("PORTPOOL_ISOLATE", mode);
    return runSubject(program, command, variables);
  }

  static bool isPossible() {
    return portpool::test::ForkedChild([] { portpool::isolate(); }).succeeds();
  }

 private:
  portpool::TCPPortOwner owner_;
  TokenServer server_{owner_.port()};
};

class Isolation : public IsolatedProgram, public ::testing::WithParamInterface<Main> {
 protected:
  ::Run run(const std::string& mode) const {
    return IsolatedProgram::run(mode, GetParam().command);
  }

  /// The same where the kernel refuses namespaces.
  ::Run runWithoutNamespaces(const std::string& mode) const {
    auto command = GetParam().command;
    command.insert(command.begin(), NO_NAMESPACES);
    return IsolatedProgram::run(mode, command);
  }
};
INSTANTIATE_TEST_SUITE_P(Promises, Isolation, ::testing::ValuesIn(kMains),
                         [](const auto& main) { return main.param.name; });

TEST_P(Isolation, GivesTheProgramANetworkOfItsOwn) {
  if (!isPossible()) GTEST_SKIP() << "the system refuses namespaces";
  for (const auto* mode : {"1", "try"}) {
    const auto result = run(mode);
    EXPECT_EQ(result.exitCode, 0) << result.output << result.errors;
    ASSERT_EQ(networksIn(result).size(), 1u) << result.errors;
    EXPECT_NE(networksIn(result).front(), network());
    EXPECT_FALSE(contains(result.errors, "portpool: warning")) << result.errors;
  }
}

TEST_P(Isolation, IsNotDoneUnasked) {
  for (const auto* mode : {"", "0"}) {
    const auto result = run(mode);
    EXPECT_NE(result.exitCode, 0) << "served on a taken port";
    EXPECT_EQ(networksIn(result), std::vector{network()}) << result.errors;
  }
}

TEST_P(Isolation, ThatIsRefusedStopsTheRun) {
  const auto result = runWithoutNamespaces("1");
  EXPECT_EQ(result.exitCode, 1);
  EXPECT_TRUE(result.events.empty()) << result.errors;
  EXPECT_EQ(result.output, "");
  for (const auto* part : {"portpool: cannot isolate this process: unshare: ",
                           "user.max_user_namespaces", "PORTPOOL_ISOLATE=try"}) {
    EXPECT_TRUE(contains(result.errors, part)) << part << '\n' << result.errors;
  }
}

TEST_P(Isolation, IsNotDoneForAList) {
  for (auto list : GetParam().lists) {
    SCOPED_TRACE(list.back());
    list.insert(list.begin(), NO_NAMESPACES);
    const auto result = IsolatedProgram::run("1", list);
    EXPECT_NE(result.output, "");
    EXPECT_EQ(result.errors, "");
  }
}

TEST_P(Isolation, ThatIsRefusedIsAWarningToWhoTries) {
  const auto result = runWithoutNamespaces("try");
  EXPECT_EQ(networksIn(result), std::vector{network()}) << result.errors;
  EXPECT_TRUE(contains(result.errors, "portpool: warning: cannot isolate this process: unshare: "))
      << result.errors;
}

TEST_P(Isolation, ByAnUnknownModeStopsTheRun) {
  const auto result = run("yes");
  EXPECT_EQ(result.exitCode, 1);
  EXPECT_TRUE(result.events.empty()) << result.errors;
  EXPECT_TRUE(contains(result.errors, "PORTPOOL_ISOLATE: \"yes\" is not one of 0, 1, try"))
      << result.errors;
}

TEST_F(IsolatedProgram, MustHaveAMainThatIsolates) {
  const Arguments command{FRAMEWORKS_MAIN_SUBJECT, "--gtest_filter=Isolated.ServesOnHardCodedPort"};
  const auto message = [](const std::string& mode) {
    return "PORTPOOL_ISOLATE=" + mode +
           " is set, but this process is not isolated: its main has not called "
           "portpool::isolateIfRequested(); ";
  };
  const auto result = run("1", command);
  EXPECT_EQ(result.exitCode, 1);
  EXPECT_TRUE(result.events.empty()) << result.errors;
  EXPECT_TRUE(contains(result.output, message("1"))) << result.output;

  const auto trying = run("try", command);
  EXPECT_EQ(networksIn(trying), std::vector{network()}) << trying.errors;
  EXPECT_EQ(countOf(trying.errors, "portpool: warning: " + message("try")), 1u) << trying.errors;
}

TEST_F(IsolatedProgram, KeepsTheChildrenOfItsDeathTests) {
  if (!isPossible()) GTEST_SKIP() << "the system refuses namespaces";
  for (const auto* style : {"fast", "threadsafe"}) {
    SCOPED_TRACE(style);
    const auto result = run("1", {GTEST_SUBJECT, "--gtest_filter=Isolated.DeathTestStaysInIt",
                                  std::string("--gtest_death_test_style=") + style});
    EXPECT_EQ(result.exitCode, 0) << result.output << result.errors;
    ASSERT_EQ(networksIn(result).size(), 1u) << result.errors;
    EXPECT_NE(networksIn(result).front(), network());
  }
}

// ---- Static objects -----------------------------------------------------------------------------

struct StaticProgram {
  std::string name;
  std::string path;
  std::string list;
};

class StaticPortsIsolated : public ::testing::TestWithParam<StaticProgram> {};
INSTANTIATE_TEST_SUITE_P(Adapters, StaticPortsIsolated,
                         ::testing::Values(StaticProgram{"GTest", STATIC_GTEST,
                                                         "--gtest_list_tests"},
                                           StaticProgram{"Catch2", STATIC_CATCH2, "--list-tests"}),
                         [](const auto& program) { return program.param.name; });

TEST_P(StaticPortsIsolated, LetTheTestsBeListedWhereNothingCanBeIsolated) {
  const auto result =
      runSubject(NO_NAMESPACES, {GetParam().path, GetParam().list}, {{"PORTPOOL_ISOLATE", "1"}});
  EXPECT_FALSE(contains(result.errors, "isolate")) << result.errors;
}

TEST_P(StaticPortsIsolated, AreOfTheNetworkOfAnIsolatedRun) {
  const auto result = runSubject(GetParam().path, {}, {{"PORTPOOL_ISOLATE", "1"}});
  if (contains(result.errors, "cannot isolate this process")) GTEST_SKIP() << result.errors;
  EXPECT_EQ(result.exitCode, 0) << result.output << result.errors;
  for (const auto& event : result.events) {
    if (event.label.rfind("in network ", 0) != 0) continue;
    EXPECT_NE(event.label.substr(11), network());
    return;
  }
  ADD_FAILURE() << "no network: " << result.errors;
}

}  // namespace
