// portpool::catch2 and catch2_main, by running a program that uses them.

#include "transcript.hpp"

#include <gtest/gtest.h>

#include <portpool/portpool.hpp>
#include <string>
#include <vector>

namespace {

constexpr const char* kBadPortsReason =
    "is neither a port nor a range of";  // as no report quotes it

/// Runs test cases with a reporter that leaves stderr alone.
Run runTestCases(Arguments arguments, const Variables& variables = {}) {
  arguments.insert(arguments.end(), {"-r", "compact"});
  return runSubject(CATCH2_SUBJECT, arguments, variables);
}

/// The XML report of a run.
std::string reportOf(const std::string& testCases, const Variables& variables = {}) {
  return runSubject(CATCH2_SUBJECT, {testCases, "-r", "xml"}, variables).output;
}

/// Runs test cases with no more ports than one run of a body takes, so that each run needs those
/// that the one before it returned.
Run runWithPorts(int count, const std::string& testCase, Arguments options = {}) {
  options.insert(options.begin(), testCase);
  return runTestCases(options, {{"PORTPOOL_PORTS", somePorts(count)}});
}

void expectCleanRuns(const Run& run, std::size_t runs) {
  EXPECT_EQ(run.count("run begins"), runs) << run.output;
  expectNothingHeldAt("run begins", run);
  expectEveryPortReturnedAfterItsServer(run);
}

// ---- The pool -----------------------------------------------------------------------------------

TEST(Catch2Pool, CannotBeBuiltAndNoTestCaseRuns) {
  for (const auto* testCase : {"plain,without ports", "may fail", "should fail"}) {
    const auto run = runTestCases({testCase}, kBadPorts);
    EXPECT_NE(run.exitCode, 0) << testCase;
    EXPECT_TRUE(run.events.empty()) << run.errors;
    EXPECT_TRUE(contains(run.errors, kBadPortsMessage)) << run.errors;
  }
}

TEST(Catch2Pool, CannotBeBuiltAndEachTestCaseOfTheReportSaysWhy) {
  for (const auto* reporter : {"junit", "xml", "console"}) {
    const auto run = runSubject(CATCH2_SUBJECT, {"plain,without ports", "-r", reporter}, kBadPorts);
    EXPECT_NE(run.exitCode, 0);
    EXPECT_EQ(countOf(run.output, kBadPortsReason), 2U) << run.output;
    if (reporter == std::string("junit")) {
      EXPECT_EQ(countOf(run.output, "<testcase "), 2U) << run.output;
      EXPECT_TRUE(contains(run.output, "</testsuite>\n</testsuites>\n")) << run.output;
    }
  }
}

TEST(Catch2Pool, IsNotBuiltForAList) {
  Arguments lists{"--list-tests", "--list-tags", "--list-reporters"};
  if (!kIsCatch2Version3) lists.push_back("--list-test-names-only");
  for (const auto& list : lists) {
    const auto run = runSubject(CATCH2_SUBJECT, {list}, kBadPorts);
    // Catch2 2.13 exits with the number of what it lists.
    EXPECT_EQ(run.exitCode == 0, kIsCatch2Version3);
    EXPECT_NE(run.output, "");
    EXPECT_FALSE(contains(run.output, "PORTPOOL")) << run.output;
    EXPECT_EQ(run.errors, "");
  }
}

// ---- Scopes -------------------------------------------------------------------------------------

TEST(Catch2Scope, OfATestCaseReturnsItsPortsAfterIt) {
  const auto run = runTestCases({"plain,without ports"});
  EXPECT_EQ(run.exitCode, 0);
  EXPECT_EQ(run.count("test begins"), 2U);
  expectNothingHeldAt("test begins", run);
  expectEveryPortReturnedAfterItsServer(run);
}

TEST(Catch2Scope, OfEachLeafSection) {
  const auto run = runWithPorts(3, "sections");
  EXPECT_EQ(run.exitCode, 0);
  expectCleanRuns(run, 3);
  for (const auto* leaf : {"leaf a1", "leaf a2", "leaf b"}) {
    EXPECT_EQ(run.count(leaf), 1U);
    expectLeasedAt(leaf, run);
  }
  EXPECT_EQ(run.all("leaf a2").at(0).held.size(), 3U);
  EXPECT_EQ(run.all("leaf b").at(0).held.size(), 2U);
}

TEST(Catch2Scope, OfEachGeneratedValue) {
  const auto run = runWithPorts(1, "generators");
  EXPECT_EQ(run.exitCode, 0);
  expectCleanRuns(run, 3);
}

TEST(Catch2Scope, OfAFixtureReturnsItsPortsAfterItsMembers) {
  const auto run = runWithPorts(2, "fixture");
  EXPECT_EQ(run.exitCode, 0);
  expectCleanRuns(run, 2);
  for (const auto& end : run.all("run ends")) {
    EXPECT_EQ(end.held.size(), 2U);
  }
}

TEST(Catch2Scope, OfAPersistentFixture) {
  if (!kIsCatch2Version3) GTEST_SKIP() << "Catch2 2.13 has none";
  const auto run = runWithPorts(2, "persistent fixture");
  EXPECT_EQ(run.exitCode, 0) << run.output;
  EXPECT_EQ(run.count("part begins"), 2U);
  expectCleanRuns(run, 1);
}

// ---- Trouble ------------------------------------------------------------------------------------

TEST(Catch2Trouble, ExceptionsInSectionsLeaveNoPortBehind) {
  const auto run = runWithPorts(3, "exceptions in sections");
  EXPECT_NE(run.exitCode, 0);
  for (const auto* where : {"inner", "outer", "root"}) {
    EXPECT_TRUE(contains(run.output, std::string("trouble in ") + where)) << run.output;
  }
  expectCleanRuns(run, 3);
}

TEST(Catch2Trouble, FailingAssertionsInSectionsLeaveNoPortBehind) {
  const auto run = runWithPorts(2, "failing assertions in sections");
  EXPECT_NE(run.exitCode, 0);
  expectCleanRuns(run, 2);
}

TEST(Catch2Trouble, ThatIsAllowedLeavesNoPortBehind) {
  const auto run = runWithPorts(1, "may fail");
  EXPECT_EQ(run.exitCode, 0);
  expectCleanRuns(run, 1);
}

TEST(Catch2Trouble, SkipsLeaveNoPortBehind) {
  if (!kIsCatch2Version3) GTEST_SKIP() << "Catch2 2.13 has none";
  const auto run = runWithPorts(2, "skip");
  constexpr int kEveryTestCaseSkipped = 4;
  EXPECT_EQ(run.exitCode, kEveryTestCaseSkipped);
  EXPECT_TRUE(contains(reportOf("skip"), "skips=\"1\""));
  expectCleanRuns(run, 2);
}

TEST(Catch2Trouble, RunningOutOfPortsFailsThatTestCase) {
  const portpool::TCPPortOwner taken;
  const std::string testCases = "runs out of ports,next after running out";
  const Variables variables{{"PORTPOOL_PORTS", std::to_string(taken.port()) + "," + somePorts(1)},
                            {"PORTPOOL_WAIT_SECONDS", "0"}};
  const auto run = runTestCases({testCases}, variables);
  EXPECT_NE(run.exitCode, 0);
  EXPECT_TRUE(contains(run.output, "no TCP port became free")) << run.output;
  expectNothingHeldAt("next test begins", run);
  expectEveryPortReturnedAfterItsServer(run);

  const auto report = reportOf(testCases, variables);
  const auto message = report.find("no TCP port became free");
  ASSERT_NE(message, std::string::npos) << report;
  EXPECT_LT(report.find("name=\"runs out of ports\""), message);
  EXPECT_LT(message, report.find("name=\"next after running out\""));
  EXPECT_TRUE(contains(report, "<OverallResultsCases successes=\"1\" failures=\"1\"")) << report;
}

// ---- Options ------------------------------------------------------------------------------------

/// Options that change which test cases run, in which order, and when the run ends. Whatever they
/// are, no port is left behind.
class Catch2Options : public ::testing::TestWithParam<Options> {};

TEST_P(Catch2Options, LeaveNoPortBehind) {
  const auto run = runTestCases(GetParam().arguments, {{"PORTPOOL_PORTS", somePorts(3)}});
  EXPECT_NE(run.output, "");
  expectCleanRuns(run, run.count("run begins"));
}

INSTANTIATE_TEST_SUITE_P(
    Catch2, Catch2Options,
    ::testing::Values(Options{"None", {}}, Options{"Abort", {"--abort"}},
                      Options{"AbortAfterThree", {"-x", "3"}}, Options{"NoThrow", {"--nothrow"}},
                      Options{"RandomOrder", {"--order", "rand", "--rng-seed", "7"}},
                      Options{"Success", {"--success"}},
                      Options{"OneFailure", {"-x", "1", "exceptions in sections"}}),
    [](const auto& options) { return options.param.name; });

TEST(Catch2Option, SelectsASection) {
  const auto run = runWithPorts(3, "sections", {"-c", "a", "-c", "a2"});
  EXPECT_EQ(run.exitCode, 0);
  expectCleanRuns(run, 1);
  EXPECT_EQ(run.count("leaf a2"), 1U);
}

TEST(Catch2Option, Sharding) {
  if (!kIsCatch2Version3) GTEST_SKIP() << "Catch2 2.13 has none";
  std::size_t runs = 0;
  for (const auto* shard : {"0", "1"}) {
    const auto run =
        runWithPorts(3, "sections,generators", {"--shard-count", "2", "--shard-index", shard});
    EXPECT_EQ(run.exitCode, 0);
    expectCleanRuns(run, 3);
    runs += run.count("run begins");
  }
  EXPECT_EQ(runs, 6U);
}

TEST(Catch2Option, Benchmarks) {
  if (!kIsCatch2Version3) GTEST_SKIP() << "Catch2 2.13 has them behind a macro";
  const auto run =
      runWithPorts(1, "benchmark", {"--benchmark-samples", "3", "--benchmark-no-analysis"});
  EXPECT_EQ(run.exitCode, 0);
  expectCleanRuns(run, 1);
}

}  // namespace
