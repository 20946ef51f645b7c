// Compiled into every program that links portpool::catch2, so that no linker drops the
// registration.

#ifndef CATCH_CONFIG_ALL_PARTS  // for Catch2 2.13; portpool::catch2 defines it, because precompiled
#define CATCH_CONFIG_ALL_PARTS  // headers and unity builds include Catch2 before this line
#endif
#include <portpool/adapter.hpp>
#include <portpool/catch2.hpp>

#if __has_include(<catch2/reporters/catch_reporter_event_listener.hpp>)  // Catch2 3
#include <catch2/catch_test_case_info.hpp>
#include <catch2/internal/catch_test_case_registry_impl.hpp>
#include <catch2/reporters/catch_reporter_event_listener.hpp>
#include <catch2/reporters/catch_reporter_registrars.hpp>
#endif

#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace portpool::catch2 {
namespace {

#ifdef TWOBLUECUBES_SINGLE_INCLUDE_CATCH_HPP_INCLUDED  // Catch2 2.13
using ListenerBase = Catch::TestEventListenerBase;
using AssertionEndedResult = bool;
#else
using ListenerBase = Catch::EventListenerBase;
using AssertionEndedResult = void;
#endif

/// What a leak's failure calls the macro that it stands for.
const Catch::StringRef kReportedAs("FAIL_CHECK", sizeof "FAIL_CHECK" - 1);
const Catch::StringRef kInfo("INFO", sizeof "INFO" - 1);

/// In the place of a test case's body, where there is no pool.
class NoPool : public Catch::ITestInvoker {
 public:
  void invoke() const override { requireProcessPool(); }
};

/// Makes every test case fail with the reason why the pool cannot be built, without running it.
void refuseTestCases(const Catch::IConfig& config) {
  // A failure that Catch2 expects or allows would not count.
  const auto mustNotFail = [](auto& info) {
    using Properties = decltype(info.properties);
    constexpr auto kMayFail =
        static_cast<int>(Properties::ShouldFail) | static_cast<int>(Properties::MayFail);
    info.properties = static_cast<Properties>(static_cast<int>(info.properties) & ~kMayFail);
  };
  // NOLINTBEGIN(cppcoreguidelines-pro-type-const-cast): none of it is const itself
#ifdef TWOBLUECUBES_SINGLE_INCLUDE_CATCH_HPP_INCLUDED  // Catch2 2.13
  for (const auto& testCase : Catch::getAllTestCasesSorted(config)) {
    Catch::TestCaseInfo info = testCase.getTestCaseInfo();
    mustNotFail(info);
    const_cast<Catch::TestCase&>(testCase) = Catch::TestCase(new NoPool, std::move(info));
  }
#else
  static NoPool noPool;
  for (const auto& testCase : Catch::getAllTestCasesSorted(config)) {
    auto& info = const_cast<Catch::TestCaseInfo&>(testCase.getTestCaseInfo());
    mustNotFail(info);
    const_cast<Catch::TestCaseHandle&>(testCase) = Catch::TestCaseHandle(&info, &noPool);
  }
#endif
  // NOLINTEND(cppcoreguidelines-pro-type-const-cast)
}

/// Builds this process's pool when the run starts; if that is not possible, no test case runs and
/// each one fails. Opens a scope for the run, one for each test case, where persistent fixtures
/// take their ports, and one for each run of a test case's body, which both versions of Catch2 wrap
/// in a root section: each leaf section and each generated value has its own ports. With
/// PORTPOOL_LEAKS=fail, makes a leaked port a failure of its test case. Adds what listens on the
/// ports to the first failure of each run of the body.
class PortScopeListener : public ListenerBase {
 public:
  using ListenerBase::ListenerBase;

  void testRunStarting(const Catch::TestRunInfo& info) override {
    ListenerBase::testRunStarting(info);
    if (const auto fault = processPoolFault(); !fault.empty()) {
      std::cerr << fault << std::endl;
      refuseTestCases(*m_config);
    }
    run_.emplace("the test run");
  }
  void testCaseStarting(const Catch::TestCaseInfo& info) override {
    ListenerBase::testCaseStarting(info);
    testCase_.emplace("test case " + info.name);
  }
  void sectionStarting(const Catch::SectionInfo& info) override {
    ListenerBase::sectionStarting(info);
    if (depth_++ > 0) return;
    body_.emplace();
    hasFailed_ = false;
  }
  AssertionEndedResult assertionEnded(const Catch::AssertionStats& stats) override {
    if (!stats.assertionResult.isOk() && !std::exchange(hasFailed_, true)) {
      // Like an INFO, so that every reporter shows it with the failure.
      Catch::MessageInfo info(kInfo, stats.assertionResult.getSourceInfo(), Catch::ResultWas::Info);
      info.message = describePorts();
      // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): it is not const itself
      auto& messages = const_cast<Catch::AssertionStats&>(stats).infoMessages;
      if (!info.message.empty()) messages.push_back(std::move(info));
    }
    return ListenerBase::assertionEnded(stats);
  }
  void sectionEnded(const Catch::SectionStats& stats) override {
    if (--depth_ == 0) {
      // The test case is still running, so what fails here counts as its failure.
      const auto leaks = body_->end();
      for (const auto& leak : leaks) {
        Catch::AssertionHandler failure(kReportedAs, stats.sectionInfo.lineInfo, Catch::StringRef(),
                                        Catch::ResultDisposition::ContinueOnFailure);
        failure.handleMessage(Catch::ResultWas::ExplicitFailure, std::string(leak));
        failure.complete();
      }
      // Catch2 has already counted without them, and its JUnit report in version 3 leaves out a
      // test case that has no assertions.
      auto& counts =
          const_cast<Catch::SectionStats&>(stats).assertions;  // NOLINT: not const itself
      counts.failed += leaks.size();
      body_.reset();
    }
    ListenerBase::sectionEnded(stats);
  }
  void testCaseEnded(const Catch::TestCaseStats& stats) override {
    testCase_.reset();
    ListenerBase::testCaseEnded(stats);
  }
  void testRunEnded(const Catch::TestRunStats& stats) override {
    run_.reset();
    ListenerBase::testRunEnded(stats);
  }

 private:
  int depth_ = 0;
  bool hasFailed_ = false;  // the running body
  std::optional<PortScope> run_{};
  std::optional<PortScope> testCase_{};
  std::optional<PortScope> body_{};
};

CATCH_REGISTER_LISTENER(PortScopeListener)

bool isListing(const char* argument) {
  const std::string_view text = argument;
  return text == "-l" || text == "-t" || text.substr(0, 7) == "--list-";
}

/// Before any static object takes a port, in whatever source file.
[[gnu::constructor(101)]] void announceRun() { expectRun(isListing); }

}  // namespace

template <class>
// NOLINTNEXTLINE(readability-identifier-naming)
bool detail::link_portpool_catch2_or_portpool_catch2_main() {
  return true;
}
template bool detail::link_portpool_catch2_or_portpool_catch2_main<void>();

}  // namespace portpool::catch2
