#include "bind_log.hpp"

#include <atomic>
#include <cstddef>

namespace portpool::test {
namespace {

std::atomic<BindLog*> current{nullptr};

std::string describe(const sockaddr* address, socklen_t size) {
  if (address->sa_family != AF_UNIX) {
    // The port stands at one place in both families.
    return "probe " +
           std::to_string(ntohs(reinterpret_cast<const sockaddr_in*>(address)->sin_port));
  }
  const char* name = reinterpret_cast<const sockaddr_un*>(address)->sun_path + 1;
  const std::string text(name, size - offsetof(sockaddr_un, sun_path) - 1);
  const auto key = text.find('/') + 1;
  return "lease " + text.substr(key, text.find('.') - key);
}

}  // namespace

BindLog::BindLog() { current = this; }
BindLog::~BindLog() { current = nullptr; }

std::vector<std::string> BindLog::calls() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return calls_;
}

void BindLog::add(const std::string& call) {
  const std::lock_guard<std::mutex> lock(mutex_);
  calls_.push_back(call);
}

int BindLog::beforeBind(const sockaddr* address, socklen_t size) {
  thread_local bool isWithin = false;
  auto* log = current.load();
  if (log == nullptr || isWithin) return 0;
  const auto call = describe(address, size);
  log->add(call);
  isWithin = true;
  const int error = log->before(call);
  isWithin = false;
  return error;
}

}  // namespace portpool::test
