// Compiled into each program that links portpool::catch2, so that no linker drops the registration.

#if __has_include(<catch2/reporters/catch_reporter_event_listener.hpp>)  // Catch2 3
#include <catch2/catch_test_macros.hpp>
#include <catch2/reporters/catch_reporter_event_listener.hpp>
#include <catch2/reporters/catch_reporter_registrars.hpp>
namespace {
using ListenerBase = Catch::EventListenerBase;
using AssertionEndedResult = void;
}  // namespace
#else  // Catch2 2.13
#define CATCH_CONFIG_EXTERNAL_INTERFACES
#include <catch2/catch.hpp>
namespace {
using ListenerBase = Catch::TestEventListenerBase;
using AssertionEndedResult = bool;
}  // namespace
#endif

#include <portpool/portpool.hpp>

#include <iostream>
#include <optional>
#include <utility>

namespace {

/// Builds this process's pool before the first test case; if it cannot be built, the error ends the
/// run. Opens a scope for the run, and one for each run of a test case's body, which both versions
/// of Catch2 wrap in a root section: each leaf section and each generated value has its own ports.
/// Makes a leaked port a failure of its test case (PORTPOOL_LEAKS=fail), and prints with the first
/// failure of such a run what listens on its ports.
class PortScopeListener : public ListenerBase {
 public:
  using ListenerBase::ListenerBase;

  void testRunStarting(const Catch::TestRunInfo& info) override {
    ListenerBase::testRunStarting(info);
    portpool::PortPool::process();
    run_.emplace("the test run");
  }
  void sectionStarting(const Catch::SectionInfo& info) override {
    ListenerBase::sectionStarting(info);
    if (depth_++ > 0) return;
    body_.emplace("test case " + info.name);
    hasFailed_ = false;
  }
  AssertionEndedResult assertionEnded(const Catch::AssertionStats& stats) override {
    if (!stats.assertionResult.isOk() && !std::exchange(hasFailed_, true)) {
      std::cerr << portpool::describePorts() << std::flush;  // stdout may be a report
    }
    return ListenerBase::assertionEnded(stats);
  }
  void sectionEnded(const Catch::SectionStats& stats) override {
    if (--depth_ == 0) {
      // The test case still runs, so that what fails here is its failure.
      for (const auto& leak : body_->end()) FAIL_CHECK(leak);
      body_.reset();
    }
    ListenerBase::sectionEnded(stats);
  }
  void testRunEnded(const Catch::TestRunStats& stats) override {
    run_.reset();
    ListenerBase::testRunEnded(stats);
  }

 private:
  int depth_ = 0;
  bool hasFailed_ = false;  // the running body
  std::optional<portpool::PortScope> run_;
  std::optional<portpool::PortScope> body_;
};

CATCH_REGISTER_LISTENER(PortScopeListener)

}  // namespace
