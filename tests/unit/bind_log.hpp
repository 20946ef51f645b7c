#pragma once

#include <mutex>
#include <string>
#include <vector>

namespace portpool::test {

/// The calls of bind() in this program while the object exists, in their order: "lease 20000" or
/// "probe 20000". Each does what it does; this only takes notes. One at a time.
class BindLog {
 public:
  BindLog();
  BindLog(const BindLog&) = delete;
  BindLog& operator=(const BindLog&) = delete;
  ~BindLog();

  std::vector<std::string> calls() const;
  /// For bind().
  void add(const std::string& call);

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> calls_;
};

}  // namespace portpool::test
