#include "platform/fork.hpp"

#include "copied_memory.hpp"

#include <pthread.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

namespace portpool::platform {
namespace {

// What this thread has in hand. A thread that waits for a fork while it keeps that fork waiting
// would never go on.
thread_local int noForkDepth = 0;
thread_local int coreLockDepth = 0;
thread_local int forkDepth = 0;  // a signal handler may fork while this thread forks

/// The process that this thread forks: a child that still has the number has not been noticed.
thread_local std::uint64_t forkedProcess = 0;

/// What a fork has to find in order.
class Process {
 public:
  /// Never destroyed: static objects end their ports later than any of the library's could.
  static Process& current() noexcept {
    alignas(Process) static std::array<std::byte, sizeof(Process)> memory;
    static auto& process = *new (memory.data()) Process;
    process.noticeCopy();
    return process;
  }

  std::uint64_t id() const noexcept { return id_.load(std::memory_order_relaxed); }
  std::mutex& mutex() noexcept { return mutex_; }

  void enter() noexcept {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return !isForking_; });
    ++inside_;
  }

  void leave() noexcept {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (--inside_ > 0 || !isForking_) return;
    }
    changed_.notify_all();
  }

  void add(int descriptor) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto index = static_cast<std::size_t>(descriptor);
    if (isPrivate_.size() <= index) isPrivate_.resize(index + index / 2 + 64);
    isPrivate_[index] = true;
  }

  void remove(int descriptor) noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    isPrivate_[static_cast<std::size_t>(descriptor)] = false;
  }

 private:
  enum Mark : int { Copied = 0, Noticing, Noticed };  // zero is what the kernel writes

  Process() {
    if (void* memory = memoryWipedOnFork(sizeof *mark_); memory != nullptr) {
      mark_ = new (memory) std::atomic<int>(Noticed);
    }
    // Not every system wipes the page that says it does: emulators do not.
    ::pthread_atfork(
        [] {
          auto& process = current();
          forkedProcess = process.id();
          process.prepare();
        },
        [] { current().resume(); },
        [] {
          if (auto& process = current(); process.id() == forkedProcess) process.begin();
        });
  }

  /// Leaves the mutex locked.
  void prepare() noexcept {
    // A signal handler of this very thread forks in the middle of the library: nobody to wait for.
    if (++forkDepth > 1 || isWithin()) return;
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return !isForking_; });
    isForking_ = true;
    forker_ = ::pthread_self();
    changed_.wait(lock, [this] { return inside_ == 0; });
    lock.release();
  }

  void resume() noexcept {
    if (forkDepth == 1 && !isWithin()) {
      isForking_ = false;
      mutex_.unlock();
      changed_.notify_all();
    }
    if (forkDepth > 0) --forkDepth;  // only now: a signal handler that forks before is within
  }

  /// Begins anew if this is the copy in a forked child: also in one of a bare clone(), which runs
  /// no handlers of pthread_atfork.
  void noticeCopy() noexcept {
    if (mark_ == nullptr || mark_->load(std::memory_order_acquire) == Noticed) return;
    int copied = Copied;
    if (mark_->compare_exchange_strong(copied, Noticing)) {
      begin();
      mark_->store(Noticed, std::memory_order_release);
    }
    while (mark_->load(std::memory_order_acquire) != Noticed) std::this_thread::yield();
  }

  /// In a forked child, whose only thread is that which forked.
  void begin() noexcept {
    const bool isAtFork = isForking_ || isWithin();
    forkDepth = 0;
    id_.fetch_add(1, std::memory_order_relaxed);
    for (std::size_t descriptor = 0; descriptor < isPrivate_.size(); ++descriptor) {
      const auto number = static_cast<int>(descriptor);
      if (isPrivate_[descriptor] && (isAtFork || isStillOurs(number))) ::close(number);
      isPrivate_[descriptor] = false;
    }
    inside_ = noForkDepth > 0 ? 1 : 0;
    new (&changed_) std::condition_variable;  // the waiters are the parent's
    const bool isLockedByThis = isForking_ && ::pthread_equal(forker_, ::pthread_self()) != 0;
    isForking_ = false;
    if (isLockedByThis) {
      mutex_.unlock();
    } else {  // by whichever thread: after a bare clone(), or a fork in a signal handler
      new (&mutex_) std::mutex;
      if (coreLockDepth > 0) mutex_.lock();
    }
  }

  static bool isWithin() noexcept { return noForkDepth > 0 || coreLockDepth > 0; }

  std::mutex mutex_;
  std::condition_variable changed_;  // of the next two
  bool isForking_ = false;
  std::size_t inside_ = 0;  // threads under NoFork
  pthread_t forker_{};
  std::vector<bool> isPrivate_;       // by descriptor
  std::atomic<int>* mark_ = nullptr;  // which is zero in each copy of this memory
  std::atomic<std::uint64_t> id_{1};
};

/// Before any thread runs: a child forked while another thread is building it would wait for that.
/// Before the program's own static objects, too: their handlers of pthread_atfork then run while
/// other threads can still go on.
__attribute__((constructor(101))) void build() { Process::current(); }

}  // namespace

std::uint64_t currentProcess() noexcept { return Process::current().id(); }

CoreLock::CoreLock() noexcept {
  auto& process = Process::current();
  ++coreLockDepth;
  process.mutex().lock();
}

CoreLock::~CoreLock() {
  Process::current().mutex().unlock();
  --coreLockDepth;
}

void ProcessMutex::lock() {
  if (process_ != currentProcess()) {
    const CoreLock lock;
    if (process_ != currentProcess()) {
      if (process_ != 0) new (&mutex_) std::mutex;
      process_ = currentProcess();
    }
  }
  mutex_.lock();
}

NoFork::NoFork() noexcept {
  auto& process = Process::current();  // before the depth says that this is within
  if (noForkDepth++ == 0) process.enter();
}

NoFork::~NoFork() {
  if (noForkDepth == 1) Process::current().leave();
  --noForkDepth;  // only now: a signal handler that forks in leave() is within
}

void closeInForkedChildren(NativeSocket socket) { Process::current().add(socket); }

void keepInForkedChildren(NativeSocket socket) noexcept { Process::current().remove(socket); }

}  // namespace portpool::platform
