#pragma once

// What the functions that replace those of the system have in common. They run in any program, in
// signal handlers and in children of vfork: they allocate no memory, keep no descriptor, and make
// their system calls with syscall(), which is not a cancellation point and is not intercepted.

#include <dlfcn.h>

#include <atomic>
#include <cerrno>

namespace portpool::audit {

/// Leaves errno as it was.
class KeepErrno {
 public:
  KeepErrno() = default;
  KeepErrno(const KeepErrno&) = delete;
  KeepErrno& operator=(const KeepErrno&) = delete;
  ~KeepErrno() { errno = errno_; }

 private:
  int errno_ = errno;
};

/// The function of that name which the program would call without this library.
template <class Function>
class Real {
 public:
  constexpr explicit Real(const char* name) : name_(name) {}

  Function* get() {
    auto* function = function_.load(std::memory_order_relaxed);
    if (function == nullptr) {
      function = reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name_));
      function_.store(function, std::memory_order_relaxed);
    }
    return function;
  }

 private:
  const char* name_;
  std::atomic<Function*> function_{nullptr};
};

}  // namespace portpool::audit

/// Marks what the library exports.
#define PORTPOOL_AUDIT_EXPORT extern "C" __attribute__((visibility("default")))
