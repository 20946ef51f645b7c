#include <portpool/isolation.hpp>

#include "environment.hpp"
#include "platform/environment.hpp"
#include "platform/isolation.hpp"
#include "port_pool_impl.hpp"
#include "run_start.hpp"

#include <portpool/errors.hpp>

#include <atomic>
#include <exception>
#include <string>

namespace portpool {
namespace {

constexpr const char* kVariable = "PORTPOOL_ISOLATE";

/// Whether this process has a network of its own, or has tried to get one and may do without.
std::atomic<bool> isDone{false};

std::string requestedMode() { return environmentChoice(kVariable, {"0", "1", "try"}); }

void isolateAs(const std::string& mode) {
  try {
    isolate();
  } catch (const IsolationError& error) {
    if (mode == "1") {
      throw IsolationError(std::string(error.what()) +
                           "; or set PORTPOOL_ISOLATE=try to go on without, or unset it");
    }
    isDone = true;
    warn(error.what());
  }
}

}  // namespace

void isolate() {
  if (processHasPorts()) {
    throw IsolationError(
        "cannot isolate this process: it has taken ports, whose leases would stay in the network "
        "that it leaves; isolate first, and take the ports of tests within them, by name if they "
        "stand in many places (getNamedTCPPort)");
  }
  platform::isolate();
  // A child's portpicker would draw ports of the network that this process has left.
  platform::removeVariable("PORTSERVER_ADDRESS");
  // The children are in this network already; one each would cut them off from this process.
  platform::removeVariable(kVariable);
  isDone = true;
}

bool isolateIfRequested() noexcept {
  try {
    const auto mode = requestedMode();
    if (mode != "0" && !isDone) isolateAs(mode);
    return true;
  } catch (const std::exception& error) {
    log(error.what());
    return false;
  }
}

void requireIsolationIfRequested() {
  const auto mode = requestedMode();
  if (mode == "0" || isDone) return;
  if (isBeforeRun()) {  // main comes too late
    if (!isListing()) isolateAs(mode);
    return;
  }
  const auto message = std::string(kVariable) + "=" + mode +
                       " is set, but this process is not isolated: its main has not called "
                       "portpool::isolateIfRequested(); call it there before the tests run, link "
                       "portpool::gtest_main, gmock_main or catch2_main in place of your main, or "
                       "unset the variable";
  if (mode == "1") throw IsolationError(message);
  isDone = true;  // said once
  warn(message);
}

}  // namespace portpool
