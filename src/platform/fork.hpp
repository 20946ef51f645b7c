#pragma once

// What keeps the core whole in a process whose memory or descriptors are copied by fork(). On a
// system without it, only the locks have something to do.

#include <portpool/sockets.hpp>

#include <atomic>
#include <cstdint>
#include <mutex>

namespace portpool::platform {

/// Stands for this process among those that its memory is copied to: a forked child has another,
/// however it was forked and whatever its pid is. This process must not end, inspect or report the
/// leases, scopes and counts of another.
std::uint64_t currentProcess() noexcept;

/// The lock of all that the threads of this process share in the core. A fork waits until it is
/// free, so that a child finds everything whole. No system call is made under it.
class CoreLock {
 public:
  CoreLock() noexcept;
  CoreLock(const CoreLock&) = delete;
  CoreLock& operator=(const CoreLock&) = delete;
  ~CoreLock();
};

/// A mutex that a forked child finds free, whichever of its parent's threads had locked it.
class ProcessMutex {
 public:
  void lock();
  void unlock() { mutex_.unlock(); }

 private:
  std::mutex mutex_;
  std::atomic<std::uint64_t> process_{0};  // whose mutex it is
};

/// As long as one exists in any thread, fork() waits, so that no child is copied between the system
/// calls of its scope. Nothing may wait for anything in there. It does not keep vfork() and
/// posix_spawn() waiting, whose children see every descriptor until they exec.
class NoFork {
 public:
  NoFork() noexcept;
  NoFork(const NoFork&) = delete;
  NoFork& operator=(const NoFork&) = delete;
  ~NoFork();
};

/// Has a forked child close its copy of the socket before it can do anything else. Call it under
/// NoFork, together with what opens the socket. Throws std::bad_alloc.
void closeInForkedChildren(NativeSocket socket);

/// Undoes that, under NoFork, together with what closes the socket.
void keepInForkedChildren(NativeSocket socket) noexcept;

/// Whether another thread may be starting a process just now, which has copies of this one's
/// sockets until it execs.
bool mayHaveThreads() noexcept;

}  // namespace portpool::platform
