#include <portpool/port_scope.hpp>

#include "environment.hpp"
#include "leaks.hpp"
#include "port_pool_impl.hpp"

#include <portpool/port_pool.hpp>

#include <algorithm>
#include <exception>
#include <iterator>
#include <mutex>
#include <new>
#include <utility>

namespace portpool {
namespace {

/// The open scopes, innermost last. Guarded, with their contents, by platform::CoreLock.
struct OpenScopes {
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

/// Has no memory to be sure of.
void warnOfUnknownLeaks(const std::string& phase, const std::exception& error) noexcept {
  try {
    warn(phase + " ends; whether its ports are still in use is not known: " + error.what());
  } catch (const std::bad_alloc&) {
    return;
  }
}

/// What the system shows of a port's users, for a failing test.
std::string describeUsers(const std::vector<platform::PortUser>& users, std::uint16_t port) {
  using Use = platform::PortUser::Use;
  std::string servers, others;
  for (const auto& user : users) {
    if (user.port != port) continue;
    // What this process has bound is its hold.
    if (user.use == Use::Lingers || (user.use == Use::Binds && user.isThisProcess)) continue;
    const auto text = user.use == Use::Listens         ? user.process
                      : user.use == Use::HasConnection ? "a connection is open in " + user.process
                                                       : "it is bound by " + user.process;
    auto& list = user.use == Use::Listens ? servers : others;
    if (list.find(text) == std::string::npos) list += (list.empty() ? "" : ", ") + text;
  }
  if (!servers.empty()) return servers;
  return others.empty() ? "nothing listens" : "nothing listens, but " + others;
}

}  // namespace

// ---- PortScope ----------------------------------------------------------------------------------

PortScope::PortScope(std::string name)
    : name_(std::move(name)), process_(platform::currentProcess()) {
  const platform::CoreLock lock;
  auto& scopes = open().scopes;
  if (name_.empty()) name_ = scopes.empty() ? "a scope" : scopes.back()->name_;
  scopes.push_back(this);
}

PortScope::~PortScope() {
  const auto failures = end();
  try {
    {
      const platform::CoreLock lock;
      auto& scopes = open().scopes;
      const auto self = scopes.erase(std::find(scopes.begin(), scopes.end(), this));
      if (self != scopes.begin()) {
        auto& outer = **std::prev(self);
        append(outer.ports_, ports_);
        append(outer.failures_, failures);
        return;
      }
    }
    for (const auto& failure : failures) say(failure);  // nobody is left to fail
  } catch (const std::bad_alloc&) {
    return;  // nobody hears of it
  }
}

std::vector<std::string> PortScope::end() noexcept {
  std::vector<TCPPortOwner> owners;
  std::vector<std::string> failures;
  {
    const platform::CoreLock lock;
    owners.swap(owners_);
    failures.swap(failures_);
  }
  if (process_ != platform::currentProcess()) failures.clear();  // the parent tells them
  try {
    if (owners.empty() || leakPolicy() == LeakPolicy::Ignore) return failures;
    std::vector<detail::Allocation*> allocations;
    for (const auto& owner : owners) allocations.push_back(owner.allocation_.get());
    const auto leaks = findLeaks(name_, allocations);
    for (const auto& leak : leaks.unknown) warn(leak);
    for (const auto& leak : leaks.found) {
      if (leakPolicy() == LeakPolicy::Fail) {
        failures.push_back(leak);
      } else {
        warn(leak);
      }
    }
  } catch (const std::exception& error) {
    warnOfUnknownLeaks(name_, error);
  }
  return failures;
}

std::vector<std::uint16_t> detail::adopt(PortScope* scope, std::vector<TCPPortOwner> owners) {
  std::vector<std::uint16_t> ports;
  for (const auto& owner : owners) ports.push_back(owner.port());
  const platform::CoreLock lock;
  if (scope == nullptr && !open().scopes.empty()) scope = open().scopes.back();
  auto& adopted = scope == nullptr ? open().withoutScope : scope->owners_;
  adopted.reserve(adopted.size() + owners.size());
  if (scope != nullptr) append(scope->ports_, ports);
  std::move(owners.begin(), owners.end(), std::back_inserter(adopted));
  return ports;
}

std::vector<std::uint16_t> PortScope::ports() const {
  const platform::CoreLock lock;
  return ports_;
}

PortSet PortScope::ownedPorts() const {
  PortSet owned;
  for (const auto& owner : owners_) {
    if (owner.allocation_->isOfThisProcess()) owned.insert(owner.port());
  }
  return owned;
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
    const platform::CoreLock lock;
    const auto& scopes = open().scopes;
    for (const auto* scope : scopes) owned |= scope->ownedPorts();
    ports = owned;
    // An exception ends the scopes within before anybody hears of it.
    if (!scopes.empty() && scopes.back()->process_ == platform::currentProcess()) {
      for (const auto port : scopes.back()->ports_) ports.insert(port);
    }
  }
  if (ports.empty()) return {};
  const auto users = platform::usersOfPorts(ports, platform::UserSearch::Sockets);
  std::string text;
  for (const auto port : ports) {
    text += "port " + std::to_string(port) + (owned.contains(port) ? ": " : " (returned): ") +
            (users ? describeUsers(*users, port)
                   : "what listens is not known, since the system does not show its sockets") +
            '\n';
  }
  return text;
}

}  // namespace portpool
