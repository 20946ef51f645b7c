// Compiled into each program that links portpool::catch2, so that no linker drops the registration.

#if __has_include(<catch2/reporters/catch_reporter_event_listener.hpp>)  // Catch2 3
#include <catch2/reporters/catch_reporter_event_listener.hpp>
#include <catch2/reporters/catch_reporter_registrars.hpp>
namespace {
using ListenerBase = Catch::EventListenerBase;
}
#else  // Catch2 2.13
#define CATCH_CONFIG_EXTERNAL_INTERFACES
#include <catch2/catch.hpp>
namespace {
using ListenerBase = Catch::TestEventListenerBase;
}
#endif

#include <portpool/portpool.hpp>

#include <memory>
#include <optional>

namespace {

/// Builds this process's pool before the first test case; if it cannot be built, the error ends the
/// run. Opens a scope for the run, and one for each run of a test case's body, which both versions
/// of Catch2 wrap in a root section: each leaf section and each generated value has its own ports.
class PortScopeListener : public ListenerBase {
 public:
  using ListenerBase::ListenerBase;

  void testRunStarting(const Catch::TestRunInfo& info) override {
    ListenerBase::testRunStarting(info);
    portpool::PortPool::process();
    run_.emplace();
  }
  void sectionStarting(const Catch::SectionInfo& info) override {
    ListenerBase::sectionStarting(info);
    if (depth_++ == 0) body_.emplace();
  }
  void sectionEnded(const Catch::SectionStats& stats) override {
    if (--depth_ == 0) body_.reset();
    ListenerBase::sectionEnded(stats);
  }
  void testRunEnded(const Catch::TestRunStats& stats) override {
    run_.reset();
    ListenerBase::testRunEnded(stats);
  }

 private:
  int depth_ = 0;
  std::optional<portpool::PortScope> run_;
  std::optional<portpool::PortScope> body_;
};

CATCH_REGISTER_LISTENER(PortScopeListener)

}  // namespace
