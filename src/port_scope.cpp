#include <portpool/port_scope.hpp>

#include <algorithm>
#include <mutex>
#include <utility>

namespace portpool {
namespace {

/// The open scopes, innermost last, and what guards them and their contents.
struct OpenScopes {
  std::mutex mutex;
  std::vector<PortScope*> scopes;
  std::vector<TCPPortOwner> withoutScope;  // the process's until it exits
};

OpenScopes& open() {
  static auto& scopes = *new OpenScopes;  // outlives every static object that owns a scope
  return scopes;
}

}  // namespace

PortScope::PortScope() {
  const std::lock_guard<std::mutex> lock(open().mutex);
  open().scopes.push_back(this);
}

PortScope::~PortScope() {
  const std::lock_guard<std::mutex> lock(open().mutex);
  auto& scopes = open().scopes;
  const auto self = std::find(scopes.begin(), scopes.end(), this);
  if (self != scopes.begin()) {
    auto& outer = (*std::prev(self))->ports_;
    outer.insert(outer.end(), ports_.begin(), ports_.end());
  }
  scopes.erase(self);
}

std::uint16_t PortScope::getNextAvailableTCPPort(const PortRequest& request) {
  TCPPortOwner owner(request);  // may wait, so without the lock
  const std::lock_guard<std::mutex> lock(open().mutex);
  return adopt(std::move(owner));
}

std::uint16_t PortScope::adopt(TCPPortOwner owner) {
  ports_.push_back(owner.port());
  owners_.push_back(std::move(owner));
  return ports_.back();
}

std::vector<std::uint16_t> PortScope::ports() const {
  const std::lock_guard<std::mutex> lock(open().mutex);
  return ports_;
}

std::uint16_t getNextAvailableTCPPort(const PortRequest& request) {
  TCPPortOwner owner(request);
  const std::lock_guard<std::mutex> lock(open().mutex);
  if (!open().scopes.empty()) return open().scopes.back()->adopt(std::move(owner));
  open().withoutScope.push_back(std::move(owner));
  return open().withoutScope.back().port();
}

std::uint16_t getNextAvailableTCPPort(std::vector<std::string> hosts, AddressFamily family) {
  PortRequest request;
  request.hosts = std::move(hosts);
  request.family = family;
  return getNextAvailableTCPPort(request);
}

}  // namespace portpool
