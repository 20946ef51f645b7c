// Servers that outlive their tests, and what is told of a test's ports, through both adapters.

#include "both_frameworks.hpp"
#include "support/process.hpp"
#include "support/temporary_file.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <regex>
#include <string>
#include <tuple>
#include <vector>

namespace {

class LeaksInBoth : public InBoth {};
INSTANTIATE_TEST_SUITE_P(Adapters, LeaksInBoth, ::testing::Values(kGTest, kCatch2),
                         [](const auto& framework) { return framework.param.name; });

// ---- Leaks --------------------------------------------------------------------------------------

struct Leak {
  Scenario scenario;
  std::string holder;  ///< a pattern, if it is not this process; %PID% for the child's pid
};

/// The message about the leak of `port`, as a pattern.
std::string messageOf(const std::string& phase, const std::string& port,
                      const std::string& holder) {
  return phase + " ends, but its port " + port + " is still in use by " + holder;
}

class LeakInBoth : public ::testing::TestWithParam<std::tuple<Framework, Leak>> {
 protected:
  static ::Run run(const std::string& policy) {
    const auto& [framework, leak] = GetParam();
    return framework.run(leak.scenario,
                         policy.empty() ? Variables{} : Variables{{"PORTPOOL_LEAKS", policy}});
  }

  /// A pattern of the message on the leak of this run.
  static std::string messageOn(const ::Run& run) {
    const auto& [framework, leak] = GetParam();
    auto holder = leak.holder;
    for (const auto& event : run.events) {
      if (event.label.rfind("left", 0) != 0) continue;
      const auto pid = event.label.substr(event.label.rfind(' ') + 1);
      return messageOf(framework.phaseOf(leak.scenario), std::to_string(event.port),
                       std::regex_replace(holder, std::regex("%PID%"), pid));
    }
    return "nothing was left: " + run.errors;
  }
};

TEST_P(LeakInBoth, IsAWarningByDefault) {
  for (const auto* policy : {"", "warn"}) {
    const auto result = run(policy);
    EXPECT_EQ(result.exitCode, 0) << result.output;
    const auto warning = "portpool: warning: " + messageOn(result);
    EXPECT_TRUE(std::regex_search(result.errors, std::regex(warning))) << warning << '\n'
                                                                       << result.errors;
    EXPECT_EQ(countOf(result.errors, "still in use"), 1u) << result.errors;
  }
}

TEST_P(LeakInBoth, IsAFailureOnRequest) {
  const auto result = run("fail");
  EXPECT_NE(result.exitCode, 0);
  EXPECT_TRUE(std::regex_search(result.output, std::regex(messageOn(result))))
      << messageOn(result) << '\n'
      << result.output;
  EXPECT_EQ(countOf(result.output, "still in use"), 1u) << result.output;
  EXPECT_FALSE(contains(result.errors, "still in use")) << result.errors;
}

TEST_P(LeakInBoth, IsIgnoredOnRequest) {
  const auto result = run("ignore");
  EXPECT_EQ(result.exitCode, 0);
  EXPECT_FALSE(contains(result.output + result.errors, "still in use"));
}

const std::string kSubject = shownProcess("this process, pid \\d+", "\\w+_subject", ".*");
const std::string kChild = shownProcess("pid %PID%", "holder", "\\w+ \\d+");

INSTANTIATE_TEST_SUITE_P(
    Promises, LeakInBoth,
    ::testing::Combine(
        ::testing::Values(kGTest, kCatch2),
        ::testing::Values(Leak{{"Body", "Leak.InBody", "leak in body", "test Leak.InBody",
                                "test case leak in body"},
                               kSubject},
                          Leak{{"Fixture", "LeakOfFixture.Left", "leak of fixture",
                                "test LeakOfFixture.Left", "test case leak of fixture"},
                               kSubject},
                          Leak{
                              {"ListeningChild", "Leak.ToListeningChild", "leak to listening child",
                               "test Leak.ToListeningChild", "test case leak to listening child"},
                              kChild},
                          Leak{{"BoundChild", "Leak.ToBoundChild", "leak to bound child",
                                "test Leak.ToBoundChild", "test case leak to bound child"},
                               "(a socket of a process that is not shown|" + kChild + ")"})),
    [](const auto& leak) {
      return std::get<0>(leak.param).name + std::get<1>(leak.param).scenario.name;
    });

TEST_P(LeaksInBoth, TimeWaitIsNoLeak) {
  const auto result = run({"", "NoLeak.*", "no leak", "", ""}, {{"PORTPOOL_LEAKS", "fail"}});
  EXPECT_EQ(result.exitCode, 0) << result.output;
  EXPECT_EQ(result.count("left in TIME_WAIT"), 1u);
  EXPECT_FALSE(contains(result.output + result.errors, "still in use")) << result.errors;
}

TEST_P(LeaksInBoth, AnUnknownLeakPolicyStopsTheRun) {
  const auto result = run({"", "NoLeak.*", "no leak", "", ""}, {{"PORTPOOL_LEAKS", "sometimes"}});
  EXPECT_NE(result.exitCode, 0);
  EXPECT_TRUE(result.events.empty()) << result.errors;
  EXPECT_TRUE(contains(result.output + result.errors,
                       "PORTPOOL_LEAKS: \"sometimes\" is not one of warn, fail, ignore"))
      << result.output << result.errors;
}

TEST(GTestLeak, ToDatagramsIsNamed) {
  const auto run = runGTest("Leak.ToChildWithDatagrams");
  EXPECT_TRUE(contains(run.errors, "test Leak.ToChildWithDatagrams ends, but its port"))
      << run.errors;
  const std::regex child(shownProcess("pid \\d+", "holder", "datagrams \\d+"));
  EXPECT_TRUE(std::regex_search(run.errors, child)) << run.errors;
}

TEST(GTestLeak, FailsItsTestAlone) {
  const TemporaryFile file;
  const auto run = runGTest("Leak.InBody:Leak.Between", {{"PORTPOOL_LEAKS", "fail"}},
                            {"--gtest_output=json:" + file.path()});
  EXPECT_EQ(run.exitCode, 1);
  EXPECT_TRUE(contains(run.output, "[  FAILED  ] Leak.InBody")) << run.output;
  EXPECT_TRUE(contains(run.output, "[       OK ] Leak.Between")) << run.output;
  const auto report = nlohmann::json::parse(file.text());
  EXPECT_EQ(report.at("failures"), 1);
  for (const auto& test : report.at("testsuites").at(0).at("testsuite")) {
    EXPECT_EQ(test.contains("failures"), test.at("name") == "InBody") << test;
  }
}

TEST(GTestLeak, OfASuiteIsTheSuites) {
  const auto run = runGTest("LeakOfSuite*", {{"PORTPOOL_LEAKS", "fail"}});
  EXPECT_EQ(run.exitCode, 1);
  EXPECT_TRUE(contains(run.output, "test suite LeakOfSuite ends, but its port ")) << run.output;
  EXPECT_TRUE(contains(run.output, "[  FAILED  ] LeakOfSuite: SetUpTestSuite or TearDownTestSuite"))
      << run.output;
  EXPECT_EQ(countOf(run.output, "[       OK ]"), 2u) << run.output;
  EXPECT_FALSE(contains(run.output, "(returned)")) << run.output;
}

TEST(Catch2Leak, FailsItsTestCaseAlone) {
  const auto run = runSubject(CATCH2_SUBJECT, {"leak in section,no leak", "-r", "xml"},
                              {{"PORTPOOL_LEAKS", "fail"}});
  EXPECT_NE(run.exitCode, 0);
  EXPECT_TRUE(contains(run.output, "<OverallResultsCases successes=\"1\" failures=\"1\""))
      << run.output;
  const auto message = run.output.find("test case leak in section ends, but its port ");
  const auto next = run.output.find("name=\"no leak\"");
  ASSERT_NE(message, std::string::npos) << run.output;
  EXPECT_LT(message, next);
}

TEST(GTestLeak, IsNotHandedOutUntilItIsFree) {
  // Of the two, the leaked one is the next by age.
  const auto run = runGTest("LeakedPort.*", {{"PORTPOOL_PORTS", somePorts(2)}});
  EXPECT_EQ(run.exitCode, 0) << run.output;
  const auto leaked = run.ports("left").at(0);
  const auto next = run.ports("next");
  EXPECT_EQ(next.size(), 3u);
  EXPECT_EQ(std::count(next.begin(), next.end(), leaked), 0);
  const auto freed = run.ports("freed");
  EXPECT_EQ(std::count(freed.begin(), freed.end(), leaked), 1) << run.errors;
}

// ---- Reports ------------------------------------------------------------------------------------

/// The property of a test in GoogleTest's XML report, as a pattern.
std::string property(const std::string& name, const std::string& value) {
  return "<property name=\"" + name + "\" value=\"" + value;
}

TEST(GTestReport, HoldsPortsByNameAndTransportAndLeaks) {
  const TemporaryFile report;
  const auto run =
      runGTest("NamedInSuite.OneTest:Leak.InBody", {}, {"--gtest_output=xml:" + report.path()});
  EXPECT_EQ(run.exitCode, 0) << run.output;
  const auto server = std::to_string(run.ports("server").at(0));
  const auto datagrams = std::to_string(run.ports("datagrams").at(0));
  const auto left = std::to_string(run.ports("left").at(0));
  const auto suites = std::to_string(run.ports("suite's").at(0));
  for (const auto& each :
       {property("tcp_ports", server + "\""), property("udp_ports", datagrams + "\""),
        property("named_ports", "server=" + server + " datagrams=" + datagrams + "\""),
        property("tcp_ports", left + "\""), property("leaked_ports", left + "\"")}) {
    EXPECT_TRUE(contains(report.text(), each)) << each << '\n' << report.text();
  }
  EXPECT_TRUE(contains(report.text(), "suite&apos;s=" + suites)) << report.text();
  EXPECT_EQ(countOf(report.text(), "leaked_ports"), 1u) << report.text();
}

TEST(GTestReport, HoldsWhatListensOnThePortsOfATestThatFails) {
  const TemporaryFile report;
  const auto run = runGTest("Failure.ByAssertions", {}, {"--gtest_output=xml:" + report.path()});
  const auto idle = "portpool: test Failure.ByAssertions: port " +
                    std::to_string(run.ports("idle").at(0)) + ": nothing listens";
  EXPECT_TRUE(contains(run.output, idle + '\n')) << run.output;
  const auto text = report.text();
  const auto at = text.find(property("ports_at_failure", ""));
  ASSERT_NE(at, std::string::npos) << text;
  EXPECT_NE(text.find(idle, at), std::string::npos) << text;
}

TEST(GTestReport, TellsOfALeakAtItsTest) {
  const auto run = runGTest("Leak.InBody", {{"PORTPOOL_LEAKS", "fail"}});
  EXPECT_TRUE(std::regex_search(run.output, std::regex(R"(gtest_promises\.cpp:\d+: Failure)")))
      << run.output;
}

TEST(Catch2Report, TellsOfALeakAtItsTestCase) {
  for (const auto* reporter : {"console", "junit"}) {
    const auto run =
        runSubject(CATCH2_SUBJECT, {"leak in body", "-r", reporter}, {{"PORTPOOL_LEAKS", "fail"}});
    EXPECT_TRUE(std::regex_search(run.output, std::regex(R"(catch2_promises\.cpp[:(]\d+)")))
        << run.output;
    EXPECT_FALSE(contains(run.output, "catch2_listener.cpp")) << run.output;
  }
}

TEST(Catch2Report, ForJUnitHasEachTestCaseThatLeaks) {
  const auto run = runSubject(CATCH2_SUBJECT, {"leak in body,leak to bound child", "-r", "junit"},
                              {{"PORTPOOL_LEAKS", "fail"}});
  EXPECT_TRUE(contains(run.output, "failures=\"2\"")) << run.output;
  for (const auto* name : {"leak in body", "leak to bound child"}) {
    const auto testCase = run.output.find(std::string("name=\"") + name + '"');
    ASSERT_NE(testCase, std::string::npos) << run.output;
    const auto end = run.output.find("</testcase>", testCase);
    EXPECT_LT(run.output.find("<failure", testCase), end) << run.output;
  }
}

// ---- Names --------------------------------------------------------------------------------------

TEST(GTestNames, AreOnePortInATestAndThatOfItsSuite) {
  const auto run = runGTest("NamedInSuite.*", {{"PORTPOOL_LEAKS", "fail"}});
  EXPECT_EQ(run.exitCode, 0) << run.output;
  EXPECT_EQ(run.ports("server"), run.ports("server starts"));
  EXPECT_NE(run.ports("server").at(0), run.ports("server").at(1)) << "each test has its own";
  const auto suites = run.ports("suite's");
  EXPECT_EQ(suites, std::vector<std::uint16_t>(3, suites.at(0)));
  expectEveryPortReturnedAfterItsServer(run);
}

TEST(Catch2Names, AreOnePortInARunOfABody) {
  const auto run = runCatch2("named in sections", {{"PORTPOOL_LEAKS", "fail"}});
  EXPECT_EQ(run.exitCode, 0) << run.output;
  EXPECT_EQ(run.ports("server"), run.ports("server starts"));
  EXPECT_EQ(run.ports("server").size(), 2u);
  expectEveryPortReturnedAfterItsServer(run);
}

// ---- Failures -----------------------------------------------------------------------------------

TEST_P(LeaksInBoth, AFailureListsThePortsOfTheTestOnce) {
  for (const auto& scenario :
       {Scenario{"", "Failure.ByAssertions", "failure by assertions", "", ""},
        Scenario{"", "Failure.ByException", "failure by exception", "", ""}}) {
    SCOPED_TRACE(scenario.gtest);
    const auto result = run(scenario);
    EXPECT_NE(result.exitCode, 0);
    const auto served = "port " + std::to_string(result.ports("server starts").at(0));
    const auto idle = "port " + std::to_string(result.ports("idle").at(0));
    const auto text = result.output + result.errors;
    // Catch2 tells of an exception when the fixture is gone.
    const bool isOver = GetParam().name == "Catch2" && contains(scenario.gtest, "Exception");
    const std::regex byThis(served + ": " + kSubject + '\n');
    EXPECT_EQ(std::regex_search(text, byThis), !isOver) << text;
    EXPECT_EQ(countOf(text, served + ": "), 1u) << text;
    EXPECT_EQ(countOf(text, idle + ": nothing listens\n"), 1u) << text;
  }
}

TEST_P(LeaksInBoth, AFailureByALeakListsThePortsToo) {
  const auto result =
      run({"", "Leak.InBody", "leak in body", "", ""}, {{"PORTPOOL_LEAKS", "fail"}});
  const auto port = "port " + std::to_string(result.ports("left").at(0));
  const std::regex listed(port + R"( \(returned\): )" + kSubject + '\n');
  EXPECT_TRUE(std::regex_search(result.output + result.errors, listed))
      << result.output << result.errors;
}

TEST_P(LeaksInBoth, ATestThatPassesListsNoPorts) {
  const auto result = run({"", "Failure.IsNotHere", "failure is not here", "", ""});
  EXPECT_EQ(result.exitCode, 0);
  EXPECT_FALSE(contains(result.output + result.errors, "nothing listens"));
}

TEST(Catch2Failure, ListsThePortsWithinTheReport) {
  for (const auto* testCase : {"failure by assertions", "failure by exception", "leak in body"}) {
    for (const auto* reporter : {"xml", "junit"}) {
      const auto run =
          runSubject(CATCH2_SUBJECT, {testCase, "-r", reporter}, {{"PORTPOOL_LEAKS", "fail"}});
      const auto text = run.output.find(std::string("portpool: test case ") + testCase + ": port ");
      ASSERT_NE(text, std::string::npos) << run.output;
      const std::string element = reporter == std::string("xml") ? "Info>" : "failure>";
      const std::string other = reporter == std::string("xml") ? "Info>" : "error>";
      EXPECT_LT(text, std::min(run.output.find("</" + element, text),
                               run.output.find("</" + other, text)))
          << run.output;
    }
  }
}

}  // namespace
