#include <portpool/port_request.hpp>

#include "platform/fork.hpp"

#include <atomic>

namespace portpool {

std::vector<std::string> detail::defaultHosts() { return {"", "localhost"}; }

const PortRequest& detail::defaultRequest() {
  static std::atomic<const PortRequest*> made{nullptr};
  if (const auto* request = made.load(std::memory_order_acquire)) return *request;
  const platform::CoreLock lock;  // a child forked meanwhile would wait for it to be made for ever
  static const auto& request = *new PortRequest;
  made.store(&request, std::memory_order_release);
  return request;
}

}  // namespace portpool
