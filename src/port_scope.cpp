#include <portpool/port_scope.hpp>

#include "environment.hpp"
#include "leaks.hpp"
#include "port_pool_impl.hpp"

#include <portpool/port_pool.hpp>

#include <algorithm>
#include <exception>
#include <iterator>
#include <map>
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

template <class Container>
void append(Container& to, const Container& from) {
  to.insert(to.end(), from.begin(), from.end());
}

// What the functions of the innermost scope and those of a given one have in common.

std::vector<TCPPortOwner> single(TCPPortOwner owner) {
  std::vector<TCPPortOwner> owners;
  owners.push_back(std::move(owner));
  return owners;
}

std::vector<TCPPortOwner> allocate(const PortRequest& request) {
  return single(PortPool::process().allocate(request));
}

PortRequest requestOf(std::vector<std::string> hosts, AddressFamily family) {
  PortRequest request;
  request.hosts = std::move(hosts);
  request.family = family;
  return request;
}

PortRequest forUDP(PortRequest request) {
  request.transport = Transport::UDP;
  return request;
}

PortRequest forRefusal(PortRequest request) {
  request.hold = Hold::Exclusive;
  return request;
}

PortRange rangeOf(const std::vector<std::uint16_t>& ports) { return {ports.front(), ports.back()}; }

std::pair<TCPPortOwner, ListeningSocket> listenSomewhere(const std::string& host, int backlog) {
  PortRequest request;
  request.hold = Hold::Shared;
  auto owner = PortPool::process().allocate(request);
  auto socket = owner.listen(host, backlog);
  return {std::move(owner), std::move(socket)};
}

/// Who has sockets on which of the ports, in words.
std::map<std::uint16_t, std::string> socketUsers(const PortSet& ports) {
  std::map<std::uint16_t, std::string> users;
  for (const auto& [user, used] : platform::usersOfPorts(ports, platform::PortUse::Sockets)) {
    for (const auto port : used) users[port] += (users[port].empty() ? "" : ", ") + user;
  }
  return users;
}

}  // namespace

LeakPolicy leakPolicy() {
  static const auto policy = [] {
    const auto choice = environmentChoice("PORTPOOL_LEAKS", {"warn", "fail", "ignore"});
    if (choice == "fail") return LeakPolicy::Fail;
    return choice == "warn" ? LeakPolicy::Warn : LeakPolicy::Ignore;
  }();
  return policy;
}

// ---- PortScope ----------------------------------------------------------------------------------

PortScope::PortScope(std::string name) : name_(std::move(name)) {
  const std::lock_guard<std::mutex> lock(open().mutex);
  auto& scopes = open().scopes;
  if (name_.empty()) name_ = scopes.empty() ? "a scope" : scopes.back()->name_;
  scopes.push_back(this);
}

PortScope::~PortScope() {
  const auto failures = end();
  const std::lock_guard<std::mutex> lock(open().mutex);
  auto& scopes = open().scopes;
  const auto self = std::find(scopes.begin(), scopes.end(), this);
  if (self != scopes.begin()) {
    auto& outer = **std::prev(self);
    append(outer.ports_, ports_);
    append(outer.failures_, failures);
  } else {
    for (const auto& failure : failures) say(failure);  // nobody is left to fail
  }
  scopes.erase(self);
}

std::vector<std::string> PortScope::end() noexcept {
  std::vector<TCPPortOwner> owners;
  std::vector<std::string> failures;
  {
    const std::lock_guard<std::mutex> lock(open().mutex);
    owners.swap(owners_);
    failures.swap(failures_);
  }
  if (owners.empty() || leakPolicy() == LeakPolicy::Ignore) return failures;
  for (const auto& owner : owners) {
    try {
      if (!owner.allocation_->isLeaked()) continue;
      const auto port = owner.port();
      const auto users = socketUsers({{port, port}});
      const auto message = name_ + " ends, but its port " + std::to_string(port) +
                           " is still in use by " +
                           (users.empty() ? "a socket that does not listen" : users.at(port)) +
                           "; stop the server within its test, or set PORTPOOL_LEAKS=ignore";
      if (leakPolicy() == LeakPolicy::Fail) {
        failures.push_back(message);
      } else {
        warn(message);
      }
    } catch (const std::exception& error) {
      warn(name_ + " ends; whether its port " + std::to_string(owner.port()) +
           " is still in use is not known: " + error.what());
    }
  }
  return failures;
}

std::vector<std::uint16_t> detail::adopt(PortScope* scope, std::vector<TCPPortOwner> owners) {
  std::vector<std::uint16_t> ports;
  for (const auto& owner : owners) ports.push_back(owner.port());
  const std::lock_guard<std::mutex> lock(open().mutex);
  if (scope == nullptr && !open().scopes.empty()) scope = open().scopes.back();
  auto& adopted = scope == nullptr ? open().withoutScope : scope->owners_;
  std::move(owners.begin(), owners.end(), std::back_inserter(adopted));
  if (scope != nullptr) append(scope->ports_, ports);
  return ports;
}

std::vector<std::uint16_t> PortScope::ports() const {
  const std::lock_guard<std::mutex> lock(open().mutex);
  return ports_;
}

std::uint16_t PortScope::getNextAvailableTCPPort(const PortRequest& request) {
  return detail::adopt(this, allocate(request)).front();
}

std::uint16_t PortScope::getNextAvailableTCPPort(std::vector<std::string> hosts,
                                                 AddressFamily family) {
  return detail::adopt(this, allocate(requestOf(std::move(hosts), family))).front();
}

std::uint16_t PortScope::getNextAvailableUDPPort(PortRequest request) {
  return detail::adopt(this, allocate(forUDP(std::move(request)))).front();
}

std::vector<std::uint16_t> PortScope::getNextAvailableTCPPorts(std::size_t count,
                                                               const PortRequest& request) {
  return detail::adopt(this, PortPool::process().allocateSeveral(count, request));
}

PortRange PortScope::getNextAvailableTCPPortBlock(std::size_t count, const PortRequest& request) {
  return rangeOf(detail::adopt(this, PortPool::process().allocateBlock(count, request)));
}

std::uint16_t PortScope::getRefusedTCPPort(PortRequest request) {
  return detail::adopt(this, allocate(forRefusal(std::move(request)))).front();
}

ListeningSocket PortScope::getListeningTCPSocket(const std::string& host, int backlog) {
  auto [owner, socket] = listenSomewhere(host, backlog);
  detail::adopt(this, single(std::move(owner)));
  return std::move(socket);
}

// ---- The innermost scope ------------------------------------------------------------------------

std::uint16_t getNextAvailableTCPPort(const PortRequest& request) {
  return detail::adopt(nullptr, allocate(request)).front();
}

std::uint16_t getNextAvailableTCPPort(std::vector<std::string> hosts, AddressFamily family) {
  return detail::adopt(nullptr, allocate(requestOf(std::move(hosts), family))).front();
}

std::uint16_t getNextAvailableUDPPort(PortRequest request) {
  return detail::adopt(nullptr, allocate(forUDP(std::move(request)))).front();
}

std::vector<std::uint16_t> getNextAvailableTCPPorts(std::size_t count, const PortRequest& request) {
  return detail::adopt(nullptr, PortPool::process().allocateSeveral(count, request));
}

PortRange getNextAvailableTCPPortBlock(std::size_t count, const PortRequest& request) {
  return rangeOf(detail::adopt(nullptr, PortPool::process().allocateBlock(count, request)));
}

std::uint16_t getRefusedTCPPort(PortRequest request) {
  return detail::adopt(nullptr, allocate(forRefusal(std::move(request)))).front();
}

ListeningSocket getListeningTCPSocket(const std::string& host, int backlog) {
  auto [owner, socket] = listenSomewhere(host, backlog);
  detail::adopt(nullptr, single(std::move(owner)));
  return std::move(socket);
}

std::string describePorts() {
  PortSet ports;
  PortSet owned;
  {
    const std::lock_guard<std::mutex> lock(open().mutex);
    for (const auto* scope : open().scopes) {
      for (const auto& owner : scope->owners_) owned.insert(owner.port());
    }
    ports = owned;
    // An exception ends the scopes within before anybody hears of it.
    if (!open().scopes.empty()) {
      for (const auto port : open().scopes.back()->ports_) ports.insert(port);
    }
  }
  if (ports.empty()) return {};
  const auto users = socketUsers(ports);
  std::string text;
  for (const auto port : ports) {
    const auto found = users.find(port);
    text += "port " + std::to_string(port) + (owned.contains(port) ? ": " : " (returned): ") +
            (found == users.end() ? "nothing listens" : found->second) + '\n';
  }
  return text;
}

}  // namespace portpool
