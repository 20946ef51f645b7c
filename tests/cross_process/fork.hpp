#pragma once

#include <sys/mman.h>
#include <sys/types.h>

#include <functional>
#include <new>
#include <string>
#include <system_error>

#include "../system/refused.hpp"

namespace portpool::test {

/// A forked child that runs a function and exits, with 0 unless it threw. Killed and reaped when
/// the object ends before it was waited for.
class ForkedChild {
 public:
  explicit ForkedChild(const std::function<void()>& function);
  ForkedChild(ForkedChild&& other) noexcept : pid_(other.pid_) { other.pid_ = -1; }
  ForkedChild& operator=(ForkedChild&&) = delete;
  ~ForkedChild();

  pid_t pid() const { return pid_; }

  /// Waits for its end; returns whether it exited with 0.
  bool succeeds();

  /// Ends it with SIGKILL, and waits for that.
  void kill();

 private:
  pid_t pid_;
};

/// Whether the function throws nothing in a child of its own, where threads, rlimits and the
/// process's pool do no harm to other tests.
bool succeedsInChild(const std::function<void()>& function);

/// Throws std::runtime_error if the condition does not hold: for children, which have no EXPECT.
void require(bool condition, const char* what);

/// Throws a std::system_error of errno.
[[noreturn]] void throwErrno(const std::string& what);

/// Waits for the child's end; throws unless it exits with 0.
void reap(pid_t pid);

/// An object that this process shares with the children that it forks.
template <class T>
class Shared {
 public:
  Shared() : object_(new (map()) T{}) {}
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
  ~Shared() { ::munmap(object_, sizeof(T)); }

  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }

 private:
  static void* map() {
    void* memory =
        ::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
    return memory;
  }

  T* object_;
};

/// A signal from one process to another, once: a pipe that one writes and the other reads.
class Signal {
 public:
  Signal();
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;
  ~Signal();

  void send() const;
  /// Returns when another process has called `send`; throws if all that could are dead.
  void await();

 private:
  int ends_[2] = {-1, -1};
};

[[noreturn]] void sleepUntilKilled();

/// Becomes a user without rights, a different one for each number, if this process is root's.
void becomeUser(unsigned number);

/// For each number below `times`, calls `act` in this process and in one of another user at the
/// same time. Returns false if it threw.
bool actAtOnceWithAnotherUser(int times, const std::function<void(int)>& act);

// ---- What a system does differently: fork_linux.cpp, fork_macos.cpp -----------------------------

/// Has this process killed when its parent ends, where the system can.
void dieWithParent() noexcept;

/// From now on a system call of this process fails if that argument, the first of which is 0, has
/// that value. Only for a forked child, since it cannot be undone. Where the system filters no
/// calls, as in an emulator, only the calls of socket() and unshare() in this program fail; throws
/// Refused for others.
void failCall(unsigned call, unsigned argument, unsigned value, int error);

/// From now on a system call without the flag in that argument kills this process. Throws Refused
/// where the system filters no calls.
void dieWithoutFlag(unsigned call, unsigned argument, unsigned flag);

/// From now on the kernel refuses this process namespaces of its own. Only for a forked child.
void refuseNamespaces();

}  // namespace portpool::test
