#pragma once

#include <portpool/adapter.hpp>
#include <portpool/isolation.hpp>
#include <portpool/ports.hpp>

#include <doctest/doctest.h>

#include <string>

/// The ports of a doctest test case: a fixture for TEST_CASE_FIXTURE, or a base of one. What the
/// test case takes by portpool::getNextAvailableTCPPort() and its relatives is returned after all
/// members of fixtures derived from this one are destroyed.
class PortFixture {
 public:
  /// Throws the reason why there can be no ports, which fails the test case.
  PortFixture() { portpool::requireProcessPool(); }
  PortFixture(const PortFixture&) = delete;
  PortFixture& operator=(const PortFixture&) = delete;
  /// With PORTPOOL_LEAKS=fail, each port that is still in use fails the test case. A listener's
  /// test_case_end would be too late: doctest has counted by then, and the program exits with 0.
  // NOLINTNEXTLINE(bugprone-exception-escape): FAIL_CHECK does not throw
  ~PortFixture() {
    for (const auto& leak : scope_.end()) FAIL_CHECK(leak);
  }

 private:
  portpool::PortScope scope_{std::string("test case ") +
                             doctest::getContextOptions()->currentTest->m_name};
};
