#include "run_start.hpp"

#include "environment.hpp"
#include "platform/environment.hpp"
#include "platform/fork.hpp"
#include "platform/process.hpp"

#include <portpool/adapter.hpp>
#include <portpool/port_pool.hpp>

#include <atomic>
#include <exception>

namespace portpool {
namespace {

std::atomic<bool> isExpected{false}, hasBegun{false}, lists{false};

/// The first fault before the run, or null. Guarded by platform::CoreLock.
const std::string* earlyFault = nullptr;

}  // namespace

std::string processPoolFault() noexcept {
  beginRun();
  try {
    {
      const platform::CoreLock lock;
      if (earlyFault != nullptr) return *earlyFault;
    }
    PortPool::process();
    return {};
  } catch (const std::exception& error) {
    return error.what();
  }
}

void requireProcessPool() {
  if (const auto fault = processPoolFault(); !fault.empty()) throw PortPoolError(fault);
}

void expectRun(bool (*isListing)(const char* argument)) noexcept {
  isExpected = true;
  try {
    if (lists || !platform::variable("PORTPOOL_ISOLATE")) return;  // nobody is going to ask
    for (const auto& argument : platform::arguments()) lists = lists || isListing(argument.c_str());
  } catch (const std::exception&) {
    return;  // who cannot list its tests with this little memory runs none
  }
}

bool isListing() noexcept { return lists; }
bool isBeforeRun() noexcept { return isExpected && !hasBegun; }
void beginRun() noexcept { hasBegun = true; }

bool hasRunFailed() noexcept {
  const platform::CoreLock lock;
  return earlyFault != nullptr;
}

void failRun(const std::string& error) noexcept {
  try {
    log("before the tests run: " + error);
    const platform::CoreLock lock;
    if (earlyFault == nullptr) earlyFault = new std::string(error);
  } catch (const std::exception&) {
    static const std::string kNoMemory("out of memory");  // short, so that it needs none
    const platform::CoreLock lock;
    earlyFault = &kNoMemory;
  }
}

}  // namespace portpool
