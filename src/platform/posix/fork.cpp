#include "platform/fork.hpp"

#include <pthread.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <mutex>
#include <new>
#include <thread>

namespace portpool::platform {
namespace {

/// How many NoFork this thread has: a fork that waits for it must not keep it waiting.
thread_local int noForkDepth = 0;

/// The sockets that a forked child closes, by number. More than 2^20 descriptors need a changed
/// fs.nr_open; a child keeps its copies of sockets beyond until it execs or ends.
std::array<std::atomic<bool>, std::size_t{1} << 20> isPrivate;  // untouched pages take no memory
std::atomic<std::size_t> privateEnd{0};

/// The locks of this process, and the order in which a fork takes them.
class Forks {
 public:
  /// Never destroyed: static objects end their ports later than any of the library's could.
  static Forks& instance() noexcept {
    alignas(Forks) static std::array<std::byte, sizeof(Forks)> memory;
    static auto& instance = *new (memory.data()) Forks;
    return instance;
  }

  std::mutex& coreMutex() noexcept { return coreMutex_; }

  void enter() noexcept {
    ++inside_;
    while (isForking_) {
      --inside_;
      { const std::lock_guard<std::mutex> untilForked(forkMutex_); }
      ++inside_;
    }
  }
  void leave() noexcept { --inside_; }

 private:
  Forks() {
    ::pthread_atfork([] { instance().prepare(); }, [] { instance().resume(); },
                     [] {
                       closePrivateSockets();
                       ++forks;
                       instance().resume();
                     });
  }

  void prepare() noexcept {
    constexpr std::chrono::microseconds kPause{20};
    forkMutex_.lock();
    isForking_ = true;
    while (inside_ > 0) std::this_thread::sleep_for(kPause);
    coreMutex_.lock();
  }

  void resume() noexcept {
    coreMutex_.unlock();
    isForking_ = false;
    forkMutex_.unlock();
  }

  static void closePrivateSockets() noexcept {
    for (std::size_t socket = 0; socket < privateEnd; ++socket) {
      if (isPrivate[socket].exchange(false)) ::close(static_cast<int>(socket));
    }
  }

  std::mutex forkMutex_;  // of one fork at a time, until it is over
  std::mutex coreMutex_;
  std::atomic<bool> isForking_{false};
  std::atomic<int> inside_{0};  // threads under NoFork
};

/// Before any thread runs: a child forked while another thread is building it would wait for that.
/// Before the program's own static objects, too: their handlers of pthread_atfork then run while
/// other threads can still go on.
__attribute__((constructor(101))) void build() { Forks::instance(); }

}  // namespace

CoreLock::CoreLock() noexcept { Forks::instance().coreMutex().lock(); }
CoreLock::~CoreLock() { Forks::instance().coreMutex().unlock(); }

NoFork::NoFork() noexcept {
  if (noForkDepth++ == 0) Forks::instance().enter();
}

NoFork::~NoFork() {
  if (--noForkDepth == 0) Forks::instance().leave();
}

void closeInForkedChildren(NativeSocket socket) noexcept {
  const auto number = static_cast<std::size_t>(socket);
  if (number >= isPrivate.size()) return;
  isPrivate[number].store(true, std::memory_order_relaxed);
  auto end = privateEnd.load();
  while (end <= number && !privateEnd.compare_exchange_weak(end, number + 1)) {
  }
}

void keepInForkedChildren(NativeSocket socket) noexcept {
  const auto number = static_cast<std::size_t>(socket);
  if (number < isPrivate.size()) isPrivate[number].store(false, std::memory_order_relaxed);
}

}  // namespace portpool::platform
