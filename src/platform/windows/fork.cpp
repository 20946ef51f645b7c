// There is no fork(): this process is the only one that has its memory, and no child inherits a
// socket.

#include "platform/fork.hpp"

namespace portpool::platform {
namespace {

/// Never destroyed: static objects end their ports later than any of the library's could.
std::mutex& coreMutex() noexcept {
  static auto& mutex = *new std::mutex;
  return mutex;
}

}  // namespace

std::uint64_t currentProcess() noexcept { return 1; }

CoreLock::CoreLock() noexcept { coreMutex().lock(); }
CoreLock::~CoreLock() { coreMutex().unlock(); }

void ProcessMutex::lock() { mutex_.lock(); }

NoFork::NoFork() noexcept = default;
NoFork::~NoFork() = default;

void closeInForkedChildren(NativeSocket /*socket*/) {}
void keepInForkedChildren(NativeSocket /*socket*/) noexcept {}

bool mayHaveThreads() noexcept { return false; }

}  // namespace portpool::platform
