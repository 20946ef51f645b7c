#pragma once

#include <functional>

/// A forked process that runs a function and exits: with 0, or 1 if it throws. Ends with the
/// object, and with its parent.
class ChildProcess {
 public:
  explicit ChildProcess(const std::function<void()>& run);
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess();

  int pid() const { return pid_; }

  /// Waits for its end, and returns its status as `waitpid` has it. To be called once.
  int wait();

 private:
  int pid_;
  bool hasEnded_ = false;
};
