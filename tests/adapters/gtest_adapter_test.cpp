// portpool::gtest, gtest_main and gmock_main, by running programs that use them.

#include "support/temporary_file.hpp"
#include "transcript.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <portpool/portpool.hpp>
#include <regex>
#include <string>
#include <vector>

namespace {

struct GTestRun : Run {
  nlohmann::json report;

  /// The tests of the report, in order.
  std::vector<nlohmann::json> tests() const {
    std::vector<nlohmann::json> tests;
    for (const auto& suite : report.at("testsuites")) {
      for (const auto& test : suite.at("testsuite")) tests.push_back(test);
    }
    return tests;
  }
  nlohmann::json test(const std::string& name) const {
    for (const auto& test : tests()) {
      if (test.at("name") == name) return test;
    }
    ADD_FAILURE() << "no " << name << " in " << report;
    return nlohmann::json::object();
  }
};

GTestRun runTests(const std::string& filter, Arguments arguments = {},
                  const Variables& variables = {}, const std::string& program = GTEST_SUBJECT) {
  const TemporaryFile report;
  arguments.push_back("--gtest_filter=" + filter);
  arguments.push_back("--gtest_output=json:" + report.path());
  auto run = runSubject(program, arguments, variables);
  return {run, nlohmann::json::parse(report.text(), nullptr, false)};
}

/// The failures of a test of the report, as one text.
std::string failuresOf(const nlohmann::json& test) {
  std::string text;
  for (const auto& failure : test.value("failures", nlohmann::json::array())) {
    text += failure.at("failure").get<std::string>();
  }
  return text;
}

std::string joined(const std::vector<std::uint16_t>& ports) {
  std::string text;
  for (const auto port : ports) text += (text.empty() ? "" : " ") + std::to_string(port);
  return text;
}

/// The ports handed out between each "test begins" and the next.
std::vector<std::string> portsByTest(const Run& run) {
  std::vector<std::vector<std::uint16_t>> ports;
  for (const auto& event : run.events) {
    if (event.label == "test begins") ports.emplace_back();
    if (event.label == "handed out") ports.back().push_back(event.port);
  }
  std::vector<std::string> texts(ports.size());
  std::transform(ports.begin(), ports.end(), texts.begin(), joined);
  return texts;
}

// ---- The pool -----------------------------------------------------------------------------------

struct ProgramWithMain {
  std::string name;
  std::string path;
};

class AnyMain : public ::testing::TestWithParam<ProgramWithMain> {};

INSTANTIATE_TEST_SUITE_P(GTest, AnyMain,
                         ::testing::Values(ProgramWithMain{"GTestMain", GTEST_SUBJECT},
                                           ProgramWithMain{"GMockMain", GMOCK_SUBJECT},
                                           ProgramWithMain{"OwnMain", OWN_MAIN_SUBJECT},
                                           ProgramWithMain{"FrameworksMain",
                                                           FRAMEWORKS_MAIN_SUBJECT}),
                         [](const auto& main) { return main.param.name; });

TEST_P(AnyMain, EndsTheRunWhenThePoolCannotBeBuilt) {
  for (const auto* flag :
       {"--gtest_catch_exceptions=1", "--gtest_catch_exceptions=0", "--gtest_throw_on_failure",
        "--gtest_break_on_failure", "--gtest_repeat=2"}) {
    SCOPED_TRACE(flag);
    const auto run = runTests("*", {flag}, kBadPorts, GetParam().path);
    EXPECT_NE(run.exitCode, 0);
    EXPECT_EQ(run.count("test begins"), 0U);
    EXPECT_TRUE(contains(run.output + run.errors, kBadPortsMessage)) << run.output << run.errors;
  }
}

TEST_P(AnyMain, ListsWithoutPoolOrMessage) {
  const auto run = runSubject(GetParam().path, {"--gtest_list_tests"}, kBadPorts);
  EXPECT_EQ(run.exitCode, 0);
  EXPECT_NE(run.output, "");
  EXPECT_FALSE(contains(run.output + run.errors, "PORTPOOL")) << run.output << run.errors;
  EXPECT_FALSE(contains(run.errors, "portpool:")) << run.errors;
}

TEST(GTestPool, ThatCannotBeBuiltFailsEveryTest) {
  // A test told as skipped would be a success to ctest.
  const TemporaryFile report;  // in XML: GoogleTest 1.12 writes no valid JSON of this
  const auto run = runSubject(
      GTEST_SUBJECT, {"--gtest_filter=Plain.*", "--gtest_output=xml:" + report.path()}, kBadPorts);
  EXPECT_TRUE(contains(run.output, "[  FAILED  ] Plain.ServesOnTwoPorts")) << run.output;
  EXPECT_TRUE(contains(run.output, "[  FAILED  ] Plain.UsesNoPort")) << run.output;
  EXPECT_FALSE(contains(run.output, "[ skipped ]")) << run.output;
  const std::regex causes(
      R"(<testcase name="\w+"[^>]*>\s*<failure message="[^>]*is neither a port nor a range)");
  const auto text = report.text();
  EXPECT_EQ(std::distance(std::sregex_iterator(text.begin(), text.end(), causes), {}), 2) << text;
}

TEST(GTestPool, IsNotBuiltWhenThereIsNothingToRun) {
  const auto run = runTests(
      "Plain.UsesNoPort", {},
      {{"PORTPOOL_PORTS", "20000-x"}, {"GTEST_TOTAL_SHARDS", "2"}, {"GTEST_SHARD_INDEX", "1"}});
  EXPECT_EQ(run.exitCode, 0) << run.output;
}

// ---- Scopes -------------------------------------------------------------------------------------

TEST(GTestScope, OfATestReturnsItsPortsAfterIt) {
  const auto run = runTests("Plain.*");
  EXPECT_EQ(run.exitCode, 0);
  EXPECT_EQ(run.count("test begins"), 2U);
  expectNothingHeldAt("test begins", run);
  expectEveryPortReturnedAfterItsServer(run);
}

TEST(GTestScope, OfAFixtureReturnsItsPortsAfterItsMembers) {
  const auto run = runTests("Fixture.*");
  EXPECT_EQ(run.exitCode, 0);
  EXPECT_EQ(run.count("test begins"), 2U);
  for (const auto& end : run.all("test ends")) {
    EXPECT_GE(end.held.size(), 3U);
  }
  expectNothingHeldAt("test begins", run);
  expectEveryPortReturnedAfterItsServer(run);
}

TEST(GTestScope, OfParameterisedAndTypedTests) {
  // Two ports, so that each test needs those that the one before it returned.
  const auto run = runTests("*Parameterised*:Typed*", {}, {{"PORTPOOL_PORTS", somePorts(2)}});
  EXPECT_EQ(run.exitCode, 0);
  EXPECT_EQ(run.count("test begins"), 5U);
  expectNothingHeldAt("test begins", run);
  expectEveryPortReturnedAfterItsServer(run);
}

TEST(GTestScope, OfASuiteLastsFromItsSetUpToItsTearDown) {
  const auto run = runTests("SuiteLevel*");
  EXPECT_EQ(run.exitCode, 0);
  EXPECT_EQ(run.count("in suite"), 2U);
  expectLeasedAt("in suite", run);
  expectLeasedAt("suite ends", run);
  expectNothingHeldAt("after suite", run);
  expectEveryPortReturnedAfterItsServer(run);
  EXPECT_FALSE(run.test("Second").contains("tcp_ports")) << "the suite's port is not the test's";
}

TEST(GTestScope, OfASuiteWhoseSetUpIsInTrouble) {
  const auto run = runTests("SuiteFails*:SuiteThrows*:SuiteSkips*:SuitesInTroubleOver*");
  EXPECT_NE(run.exitCode, 0);
  EXPECT_EQ(run.count("in suite"), 3U);
  for (const auto& event : run.all("in suite")) {
    EXPECT_EQ(event.held, std::set{event.port});
  }
  EXPECT_EQ(run.count("after suite"), 1U);
  expectNothingHeldAt("after suite", run);
  expectEveryPortReturnedAfterItsServer(run);
}

TEST(GTestScope, OfASuiteWhoseSetUpFailsTellsItsTestsAsFailed) {
  // Not as skipped, which ctest takes for success.
  for (const auto* suite : {"SuiteFails.*", "SuiteThrows.*"}) {
    const auto run = runTests(suite);
    EXPECT_NE(run.exitCode, 0);
    EXPECT_EQ(run.count("body"), 0U);
    EXPECT_NE(failuresOf(run.test("Test")), "");
    EXPECT_FALSE(contains(run.output, "[ skipped ]")) << run.output;
  }
}

class RunLevel : public ::testing::TestWithParam<Options> {};

TEST_P(RunLevel, ScopeLastsAsLongAsTheEnvironments) {
  const auto run = runTests("*", GetParam().arguments, {}, OWN_MAIN_SUBJECT);
  EXPECT_EQ(run.exitCode, 0) << run.output;
  EXPECT_EQ(run.count("in run") % 3, 0U);
  expectLeasedAt("in run", run);
  expectLeasedAt("run ends", run);
  expectNothingHeldAt("after the run", run);
  expectEveryPortReturnedAfterItsServer(run);
}

INSTANTIATE_TEST_SUITE_P(
    GTest, RunLevel,
    ::testing::Values(
        Options{"Once", {}},
        Options{"RepeatedWithTheSame",
                {"--gtest_repeat=3", "--gtest_recreate_environments_when_repeating=0"}},
        Options{"RepeatedWithNewOnes",
                {"--gtest_repeat=3", "--gtest_recreate_environments_when_repeating=1"}},
        Options{"Shuffled", {"--gtest_shuffle", "--gtest_random_seed=7"}}),
    [](const auto& options) { return options.param.name; });

// ---- Selection and order ------------------------------------------------------------------------

TEST(GTestOption, Filter) {
  const auto run = runTests("Plain.ServesOnTwoPorts");
  EXPECT_EQ(run.exitCode, 0);
  EXPECT_EQ(run.count("test begins"), 1U);
  EXPECT_EQ(run.report.at("tests"), 1);
  expectEveryPortReturnedAfterItsServer(run);
}

TEST(GTestOption, AlsoRunDisabledTests) {
  const auto run = runTests("Fixture.*", {"--gtest_also_run_disabled_tests"});
  EXPECT_EQ(run.exitCode, 0);
  EXPECT_EQ(run.count("test begins"), 3U);
  expectEveryPortReturnedAfterItsServer(run);
}

constexpr const char* kWithoutTrouble = "Plain*:Fixture*:*Parameterised*:Typed*:SuiteLevel*";
constexpr std::size_t kWithoutTroubleCount = 9;

TEST(GTestOption, Shuffle) {
  const auto run = runTests(kWithoutTrouble, {"--gtest_shuffle", "--gtest_random_seed=7"});
  EXPECT_EQ(run.exitCode, 0);
  EXPECT_EQ(run.count("test begins"), kWithoutTroubleCount);
  expectLeasedAt("in suite", run);
  expectNothingHeldAt("test begins", run);
  expectEveryPortReturnedAfterItsServer(run);
}

TEST(GTestOption, Repeat) {
  const auto run = runTests(kWithoutTrouble, {"--gtest_repeat=3"});
  EXPECT_EQ(run.exitCode, 0);
  EXPECT_EQ(run.count("test begins"), 3 * kWithoutTroubleCount);
  EXPECT_EQ(run.count("after suite"), 3U);
  expectNothingHeldAt("test begins", run);
  expectNothingHeldAt("after suite", run);
  expectEveryPortReturnedAfterItsServer(run);
}

TEST(GTestOption, Sharding) {
  std::size_t tests = 0;
  for (const auto* shard : {"0", "1", "2"}) {
    const auto run =
        runTests(kWithoutTrouble, {}, {{"GTEST_TOTAL_SHARDS", "3"}, {"GTEST_SHARD_INDEX", shard}});
    EXPECT_EQ(run.exitCode, 0);
    expectNothingHeldAt("test begins", run);
    expectEveryPortReturnedAfterItsServer(run);
    tests += run.count("test begins");
  }
  EXPECT_EQ(tests, kWithoutTroubleCount);
}

// ---- Trouble ------------------------------------------------------------------------------------

TEST(GTestTrouble, AnywhereLeavesNoPortBehindAndIsItsTestsOwn) {
  // As many ports as one test takes, so that each needs those that the one before it returned.
  const auto run = runTests("Any/Trouble.*", {}, {{"PORTPOOL_PORTS", somePorts(5)}});
  EXPECT_NE(run.exitCode, 0);
  expectNothingHeldAt("test begins", run);
  expectEveryPortReturnedAfterItsServer(run);
  const auto tests = run.tests();
  const auto ports = portsByTest(run);
  ASSERT_EQ(tests.size(), 12U);
  ASSERT_EQ(ports.size(), tests.size());
  for (std::size_t i = 0; i < tests.size(); ++i) {
    const auto name = tests[i].at("name").get<std::string>();
    SCOPED_TRACE(name);
    EXPECT_EQ(tests[i].value("tcp_ports", ""), ports[i]);
    const auto place = name.substr(name.find('/') + 1);
    const auto where = place.substr(0, place.find_last_of("FTS"));
    if (contains(place, "Skips")) {
      EXPECT_EQ(tests[i].at("result"), "SKIPPED");
      EXPECT_EQ(failuresOf(tests[i]), "");
    } else {
      EXPECT_EQ(tests[i].at("failures").size(), 1U);
      EXPECT_TRUE(contains(failuresOf(tests[i]), "trouble in " + where)) << tests[i];
    }
  }
}

TEST(GTestTrouble, WithFailFastLeavesNoPortBehind) {
  const auto run = runTests("Any/Trouble.*", {"--gtest_fail_fast"});
  EXPECT_NE(run.exitCode, 0);
  EXPECT_EQ(run.count("test begins"), 1U);
  expectEveryPortReturnedAfterItsServer(run);
}

TEST(GTestTrouble, RunningOutOfPortsFailsThatTest) {
  const portpool::TCPPortOwner taken;
  const auto run = runTests("RunningOut.*", {},
                            {{"PORTPOOL_PORTS", std::to_string(taken.port()) + "," + somePorts(1)},
                             {"PORTPOOL_WAIT_SECONDS", "0"}});
  EXPECT_EQ(run.exitCode, 1);
  EXPECT_TRUE(contains(failuresOf(run.test("FailsTheTest")), "no TCP port became free"))
      << run.report;
  EXPECT_EQ(failuresOf(run.test("LeavesTheNextTestAlone")), "");
  EXPECT_EQ(run.count("next test begins"), 1U);
  expectNothingHeldAt("next test begins", run);
  expectEveryPortReturnedAfterItsServer(run);
}

class DeathTestStyle : public ::testing::TestWithParam<std::string> {};

TEST_P(DeathTestStyle, LeavesTheParentItsPorts) {
  const auto run = runTests("Death.*", {"--gtest_death_test_style=" + GetParam()});
  EXPECT_EQ(run.exitCode, 0) << run.output;
  EXPECT_EQ(run.count("child gone"), 3U);
  expectLeasedAt("child gone", run);
  expectNothingHeldAt("test begins", run);
  expectEveryPortReturnedAfterItsServer(run);
}

INSTANTIATE_TEST_SUITE_P(GTest, DeathTestStyle, ::testing::Values("fast", "threadsafe"),
                         [](const auto& style) { return style.param; });

// ---- Reports ------------------------------------------------------------------------------------

TEST(GTestReport, HoldsThePortsOfTheTestInTheirOrder) {
  const auto run = runTests("Fixture.ServesAsMember");
  const auto ports = run.ports("handed out");
  EXPECT_EQ(ports.size(), 4U);
  EXPECT_EQ(run.test("ServesAsMember").value("tcp_ports", ""), joined(ports));
}

TEST(GTestReport, HoldsThePortsOfABaseFixtureFirst) {
  const auto run = runTests("*Parameterised.Serves/0");
  EXPECT_EQ(run.ports("handed out").size(), 2U);
  EXPECT_EQ(run.test("Serves/0").value("tcp_ports", ""), joined(run.ports("handed out")));
}

TEST(GTestReport, HoldsNoPortsWhereThereAreNone) {
  EXPECT_FALSE(runTests("Plain.UsesNoPort").test("UsesNoPort").contains("tcp_ports"));
}

TEST(GTestReport, InXmlHoldsThemToo) {
  const TemporaryFile report;
  const auto run = runSubject(GTEST_SUBJECT, {"--gtest_filter=Plain.ServesOnTwoPorts",
                                              "--gtest_output=xml:" + report.path()});
  EXPECT_TRUE(contains(report.text(), "<property name=\"tcp_ports\" value=\"" +
                                          joined(run.ports("handed out")) + "\"/>"))
      << report.text();
}

TEST(GTestReport, TellsOfALeakBeforeItsTestEnds) {
  // With this flag InitGoogleTest adds a printer, long after the listener is there.
  for (const auto* brief : {"0", "1"}) {
    const auto run = runSubject(
        GTEST_SUBJECT, {"--gtest_filter=Leak.InBody", std::string("--gtest_brief=") + brief},
        {{"PORTPOOL_LEAKS", "fail"}});
    const auto message = run.output.find("is still in use by");
    const auto end = run.output.find("[  FAILED  ] Leak.InBody (");  // with its time
    EXPECT_LT(message, end) << run.output;
    EXPECT_NE(end, std::string::npos) << run.output;
  }
}

TEST(GMock, RunsMocksAndReturnsPorts) {
  for (const auto* program : {GMOCK_SUBJECT, FRAMEWORKS_MAIN_SUBJECT}) {
    const auto run = runTests("*", {}, {}, program);
    EXPECT_EQ(run.exitCode, 0) << run.output;
    EXPECT_EQ(run.count("server ends"), 1U);
    expectEveryPortReturnedAfterItsServer(run);
    EXPECT_EQ(run.test("HearsOfThePort").value("tcp_ports", ""), joined(run.ports("handed out")));
  }
}

}  // namespace
