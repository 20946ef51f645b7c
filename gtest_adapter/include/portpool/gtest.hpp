#pragma once

#include <gtest/gtest.h>

#include <portpool/portpool.hpp>

#include <iostream>
#include <optional>
#include <string>
#include <utility>

namespace portpool::gtest {

/// Builds this process's pool before the first test. If it cannot be built, that is a fatal
/// failure, so no test runs, and the listener tells every test as failed.
class PortPoolEnvironment : public ::testing::Environment {
 public:
  void SetUp() override {
    try {
      PortPool::process();
    } catch (const PortPoolError& error) {
      FAIL() << error.what();
    }
  }
};

/// Opens and ends the scopes of portpool::getNextAvailableTCPPort: one for each set-up of the
/// environments, which lasts until they are torn down, one for each test suite and test. Records
/// the ports of a test as its property `tcp_ports`, blank-separated, in the order in which they
/// were handed out. Makes a leaked port a failure of its test, suite or run (PORTPOOL_LEAKS=fail),
/// and prints with the first failure of a test what listens on its ports.
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
    // GoogleTest leaves the test out and tells it as skipped, which ctest takes for a success: the
    // ports that a set-up did not get would go unnoticed.
    const auto& run = *::testing::UnitTest::GetInstance();
    if (run.ad_hoc_test_result().HasFatalFailure() ||
        run.current_test_suite()->ad_hoc_test_result().Failed()) {
      ADD_FAILURE() << "the set-up of an environment or of the test suite failed";
    }
  }

  void OnTestPartResult(const ::testing::TestPartResult& result) override {
    if (!result.failed() || !std::exchange(isIntact_, false)) return;
    std::cout << portpool::describePorts() << std::flush;
  }

  void OnTestEnd(const ::testing::TestInfo&) override {
    std::string ports;
    for (const auto port : test_->ports())
      ports += (ports.empty() ? "" : " ") + std::to_string(port);
    if (!ports.empty()) ::testing::Test::RecordProperty("tcp_ports", ports);
    end(test_);
    isIntact_ = false;
  }
  void OnTestSuiteEnd(const ::testing::TestSuite&) override { end(suite_); }
  void OnEnvironmentsTearDownEnd(const ::testing::UnitTest&) override { end(run_); }

 private:
  static void end(std::optional<PortScope>& scope) {
    for (const auto& leak : scope->end()) ADD_FAILURE() << leak;
    scope.reset();
  }

  std::optional<PortScope> run_;
  std::optional<PortScope> suite_;
  std::optional<PortScope> test_;
  bool isIntact_ = false;  // a test runs, and has not failed
};

/// Registers the environment and the listener with GoogleTest; a second call does nothing. For a
/// `main` of your own, anywhere before RUN_ALL_TESTS(); portpool::gtest_main and gmock_main call
/// it. The listener comes after the printers, so that what it reports is printed with its test.
inline void install() {
  static const bool installed = [] {
    ::testing::AddGlobalTestEnvironment(new PortPoolEnvironment);
    ::testing::UnitTest::GetInstance()->listeners().Append(new PortScopeListener);
    return true;
  }();
  static_cast<void>(installed);
}

/// A fixture with getNextAvailableTCPPort(hosts, family) and the like (see PortScope). The ports
/// are returned after every member of the fixtures derived from it is destroyed. `Base` is the
/// fixture to extend.
template <class Base = ::testing::Test>
using PortFixture = ::portpool::PortFixture<Base>;

}  // namespace portpool::gtest
