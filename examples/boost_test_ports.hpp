#pragma once

// Include Boost.Test before this header, in the way that your program does.

#include <portpool/adapter.hpp>
#include <portpool/errors.hpp>
#include <portpool/isolation.hpp>
#include <portpool/ports.hpp>

/// The ports of a Boost.Test test case: a fixture for BOOST_FIXTURE_TEST_CASE or
/// BOOST_FIXTURE_TEST_SUITE, or a base of one. What the test case takes by
/// portpool::getNextAvailableTCPPort() and its relatives is returned after all members of fixtures
/// derived from this one are destroyed.
class PortFixture {
 public:
  PortFixture() = default;
  PortFixture(const PortFixture&) = delete;
  PortFixture& operator=(const PortFixture&) = delete;
  /// With PORTPOOL_LEAKS=fail, each port that is still in use fails the test case. An observer's
  /// test_unit_finish would be too late: Boost.Test has its result by then.
  // NOLINTNEXTLINE(bugprone-exception-escape): BOOST_ERROR does not throw
  ~PortFixture() {
    using boost::unit_test::results_collector;
    if (!results_collector.results(testCase_.p_id).passed()) {
      BOOST_TEST_MESSAGE(portpool::describePorts());  // shown with --log_level=message
    }
    for (const auto& leak : scope_.end()) BOOST_ERROR(leak);
  }

 private:
  const boost::unit_test::test_case& testCase_ = boost::unit_test::framework::current_test_case();
  portpool::PortScope scope_{"test case " + testCase_.full_name()};
};

/// For BOOST_TEST_GLOBAL_FIXTURE: if there can be no ports, no test runs and the program fails with
/// the reason.
struct PortPoolFixture {
  PortPoolFixture() {
    if (!portpool::isolateIfRequested()) throw portpool::IsolationError("the run must stop");
    portpool::requireProcessPool();
  }
};
