#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "system/sockets.hpp"

namespace portpool::test {

/// The calls of bind() in this program while the object exists, in their order: "lease 20000" or
/// "probe 20000". Each does what it does, unless `before` has something else in mind. One at a
/// time.
class BindLog {
 public:
  BindLog();
  BindLog(const BindLog&) = delete;
  BindLog& operator=(const BindLog&) = delete;
  ~BindLog();

  std::vector<std::string> calls() const;

  /// What happens before each call; the error with which the call is to fail, or 0.
  std::function<int(const std::string& call)> before = [](const std::string&) { return 0; };

  /// For bind(), which bind_log_linux.cpp, bind_log_macos.cpp and bind_log_windows.cpp put in the C
  /// library's place for this program, portpool included. The error with which it is to fail, or 0.
  static int beforeBind(const sockaddr* address, socklen_t size);

 private:
  void add(const std::string& call);

  mutable std::mutex mutex_;
  std::vector<std::string> calls_;
};

}  // namespace portpool::test
