// Compiled into every program that links an adapter for GoogleTest, so that linking it is enough.

#include <portpool/adapter.hpp>
#include <portpool/gtest.hpp>

#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace portpool::gtest {
namespace {

/// Opens and ends the scopes of portpool::getNextAvailableTCPPort: one for each test and suite, and
/// one that lasts from the set-up of the environments until they are torn down. Records the ports
/// of each as its properties (see PortScope::properties). At the first failure of a test, prints
/// what listens on its ports and records it as `ports_at_failure`. With PORTPOOL_LEAKS=fail, makes
/// a leaked port a failure of its test, suite or run.
class PortScopeListener : public ::testing::EmptyTestEventListener {
 public:
  void OnEnvironmentsSetUpStart(const ::testing::UnitTest&) override {
    run_.emplace("the test run");
  }
  void OnTestSuiteStart(const ::testing::TestSuite& suite) override {
    suite_.emplace(std::string("test suite ") + suite.name());
  }
  void OnTestStart(const ::testing::TestInfo& test) override {
    test_.emplace(std::string("test ") + test.test_suite_name() + '.' + test.name());
    isIntact_ = true;
    // GoogleTest would skip the test, which CTest counts as a success: a set-up that could not get
    // its ports would go unnoticed.
    const auto& run = *::testing::UnitTest::GetInstance();
    failIfSetUpFailed(run.ad_hoc_test_result().HasFatalFailure(), run.ad_hoc_test_result());
    const auto& suite = run.current_test_suite()->ad_hoc_test_result();
    failIfSetUpFailed(suite.Failed(), suite);
  }

  void OnTestPartResult(const ::testing::TestPartResult& result) override {
    if (!result.failed() || !std::exchange(isIntact_, false)) return;
    portsAtFailure_ = portpool::describePorts();
    std::cout << portsAtFailure_ << std::flush;
  }

  void OnTestEnd(const ::testing::TestInfo& test) override {
    end(test_, test.file(), test.line());
    if (!portsAtFailure_.empty()) {
      ::testing::Test::RecordProperty("ports_at_failure", portsAtFailure_);
    }
    portsAtFailure_.clear();
    isIntact_ = false;
  }
  void OnTestSuiteEnd(const ::testing::TestSuite&) override { end(suite_); }
  void OnEnvironmentsTearDownEnd(const ::testing::UnitTest&) override { end(run_); }

 private:
  /// Includes the messages of the set-up, so that the test's report shows the cause.
  static void failIfSetUpFailed(bool hasFailed, const ::testing::TestResult& setUp) {
    if (!hasFailed) return;
    std::string causes;
    for (int i = 0; i < setUp.total_part_count(); ++i) {
      const auto& part = setUp.GetTestPartResult(i);
      if (part.failed()) causes += std::string("\n") + part.message();
    }
    ADD_FAILURE() << "the test did not run because its set-up failed:" << causes;
  }

  static void end(std::optional<PortScope>& scope, const char* file = "", int line = -1) {
    for (const auto& leak : scope->end()) ADD_FAILURE_AT(file, line) << leak;
    for (const auto& [name, value] : scope->properties()) {
      ::testing::Test::RecordProperty(name, value);
    }
    scope.reset();
  }

  std::optional<PortScope> run_{};
  std::optional<PortScope> suite_{};
  std::optional<PortScope> test_{};
  bool isIntact_ = false;  // a test is running and has not failed
  std::string portsAtFailure_{};
};

/// Builds this process's pool before the first test. If that is not possible, it is a fatal
/// failure: no test runs, and the listener makes every test fail.
class PortPoolEnvironment : public ::testing::Environment {
 public:
  explicit PortPoolEnvironment(::testing::TestEventListener& listener) : listener_(listener) {}

  void SetUp() override {
    // InitGoogleTest and main have added their printers by now. GoogleTest notifies the last
    // listener first when a test ends, so what this one reports is printed with its test.
    auto& listeners = ::testing::UnitTest::GetInstance()->listeners();
    listeners.Append(listeners.Release(&listener_));

    const auto fault = processPoolFault();
    if (!fault.empty()) GTEST_FAIL() << fault;  // FAIL() may be another framework's
  }

 private:
  ::testing::TestEventListener& listener_;
};

bool isListing(const char* argument) {
  constexpr std::string_view kFlag = "--gtest_list_tests";
  const std::string_view text = argument;
  if (text.substr(0, kFlag.size()) != kFlag) return false;
  const auto value = text.substr(kFlag.size());  // as GoogleTest takes it
  return value.empty() || (value[0] == '=' && value.find_first_of("0fF") != 1);
}

/// Before any static object takes a port, in whatever source file.
[[gnu::constructor(101)]] void announceRun() { expectRun(isListing); }

}  // namespace

namespace detail {
/// Shared by the program and all of its libraries, even those that hide their symbols.
[[gnu::visibility("default")]] inline bool isInstalled = false;
}  // namespace detail

template <class>
void install() {
  if (std::exchange(detail::isInstalled, true)) return;
  auto* listener = new PortScopeListener;
  ::testing::UnitTest::GetInstance()->listeners().Append(listener);
  ::testing::AddGlobalTestEnvironment(new PortPoolEnvironment(*listener));
}
template void install<void>();

}  // namespace portpool::gtest
