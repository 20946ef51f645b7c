#pragma once

// Locks and marks that keep the core whole when fork() copies the memory and the descriptors of the
// process. On a system without fork(), only CoreLock has something to do.

#include <portpool/sockets.hpp>

#include <atomic>
#include <cstdint>

namespace portpool::platform {

/// The number of forks between the first process and this one. Each forked child adds one.
inline std::atomic<std::uint64_t> forks{0};

/// A number that tells a process from the parent of which it is a copy. A process must not end,
/// inspect or report the leases, scopes and counts of its parent.
inline std::uint64_t currentProcess() noexcept { return forks.load(std::memory_order_relaxed); }

/// The lock of all that the threads of this process share in the core. A fork waits until it is
/// free, so that a child finds everything whole. No system call is made under it.
class CoreLock {
 public:
  CoreLock() noexcept;
  CoreLock(const CoreLock&) = delete;
  CoreLock& operator=(const CoreLock&) = delete;
  ~CoreLock();
};

/// As long as one exists in any thread, fork() waits, so that no child is copied between the system
/// calls of its scope. Nothing may wait for anything in there, and CoreLock comes after it, never
/// before. It does not keep vfork() and posix_spawn() waiting, whose children see every descriptor
/// until they exec.
class NoFork {
 public:
  NoFork() noexcept;
  NoFork(const NoFork&) = delete;
  NoFork& operator=(const NoFork&) = delete;
  ~NoFork();
};

/// Has a forked child close its copy of the socket before it can do anything else. Call it under
/// NoFork, together with the call that opens the socket.
void closeInForkedChildren(NativeSocket socket) noexcept;

/// Undoes that, under NoFork, together with the call that closes the socket.
void keepInForkedChildren(NativeSocket socket) noexcept;

/// Whether another thread may be starting a process just now, which has copies of this one's
/// sockets until it execs.
bool mayHaveThreads() noexcept;

}  // namespace portpool::platform
