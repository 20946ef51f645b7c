// There is no fork(): this process is the only one that has its memory, and no child inherits a
// socket.

#include "platform/fork.hpp"

#include <mutex>

namespace portpool::platform {
namespace {

/// Never destroyed: static objects end their ports later than any of the library's could.
std::mutex& coreMutex() noexcept {
  static auto& mutex = *new std::mutex;
  return mutex;
}

}  // namespace

CoreLock::CoreLock() noexcept { coreMutex().lock(); }
CoreLock::~CoreLock() { coreMutex().unlock(); }

NoFork::NoFork() noexcept = default;
NoFork::~NoFork() = default;

void closeInForkedChildren(NativeSocket /*socket*/) noexcept {}
void keepInForkedChildren(NativeSocket /*socket*/) noexcept {}

bool mayHaveThreads() noexcept { return false; }

}  // namespace portpool::platform
