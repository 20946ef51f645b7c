#pragma once

#include "commands.hpp"

#include <functional>
#include <string>
#include <vector>

namespace portpool::cli {

/// Captures what this process and its children write to stderr, as long as it exists.
class StderrCapture {
 public:
  /// Throws std::system_error.
  StderrCapture();
  StderrCapture(const StderrCapture&) = delete;
  StderrCapture& operator=(const StderrCapture&) = delete;
  ~StderrCapture();

  /// The lines written so far.
  std::vector<std::string> lines() const;

 private:
  int file_;
  int before_;
};

struct TrialResult {
  bool hasSucceeded;
  std::vector<std::string> lines;  // written to stderr, without "portpool: "
};

/// Runs the function in a forked child, whose changes do not affect this process. It succeeds
/// unless the function throws; the exception's message is then the last line.
TrialResult tryInChild(const std::function<void()>& function);

}  // namespace portpool::cli
