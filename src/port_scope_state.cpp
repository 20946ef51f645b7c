#include "port_scope_state.hpp"

#include "port_pool_impl.hpp"
#include "text.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace portpool {

using detail::ScopeState;

const ScopeState::Named* ScopeState::find(const std::string& wanted) {
  const auto& states = open();
  for (auto state = states.rbegin(); state != states.rend(); ++state) {
    for (const auto& each : (*state)->named) {
      if (each.request->name == wanted) return &each;
    }
  }
  return nullptr;
}

std::vector<detail::Allocation*> ScopeState::allocationsOf(const std::vector<TCPPortOwner>& owned) {
  std::vector<Allocation*> allocations;
  for (const auto& owner : owned) allocations.push_back(owner.allocation_.get());
  return allocations;
}

std::vector<std::uint16_t> ScopeState::adopt(std::vector<TCPPortOwner>& owned,
                                             const PortRequest* byName) {
  std::vector<std::uint16_t> ports;
  std::vector<HandedOut> entries;
  for (const auto& owner : owned) {
    ports.push_back(owner.port());
    const auto& request = owner.allocation_->request();
    entries.push_back({owner.port(), request.transport, request.name, {}, false});
  }
  owners.reserve(owners.size() + owned.size());
  named.reserve(named.size() + 1);
  std::shared_ptr<const PortRequest> request;  // as it was asked, without the pool's defaults
  if (byName != nullptr) {
    request = std::make_shared<const PortRequest>(*byName);
    PortSet set;
    for (const auto port : ports) set.insert(port);
    entries.front().named = printable(byName->name, kLongestName) + '=' + set.toString();
  }
  // The process's own are in no report, and may be any number.
  if (this != open().front()) handedOut.insert(handedOut.end(), entries.begin(), entries.end());
  if (request) named.push_back({std::move(request), owned.size(), ports.front()});
  std::move(owned.begin(), owned.end(), std::back_inserter(owners));
  return ports;
}

void ScopeState::append(ScopeState& inner, const std::vector<std::string>& leaks) {
  failures.insert(failures.end(), leaks.begin(), leaks.end());
  if (this == open().front()) return;
  for (auto& each : inner.handedOut) each.isReported = each.isReported || inner.isReported;
  handedOut.insert(handedOut.end(), inner.handedOut.begin(), inner.handedOut.end());
  if (!inner.isReported) leaked |= inner.leaked;
}

std::map<std::uint16_t, ScopeState::Line> ScopeState::lines() {
  std::map<std::uint16_t, Line> lines;
  const platform::CoreLock lock;
  for (const auto* state : open()) {
    for (const auto& owner : state->owners) {
      const auto& allocation = *owner.allocation_;
      if (!allocation.isOfThisProcess()) continue;
      lines.insert_or_assign(owner.port(), Line{state->name, allocation.request().name, false});
    }
  }
  // An exception ends the scopes within before anybody hears of it.
  if (const auto& inner = *open().back(); inner.process == platform::currentProcess()) {
    for (const auto& each : inner.handedOut) {
      lines.emplace(each.port, Line{inner.name, each.name, true});
    }
  }
  return lines;
}

std::string portTitle(std::uint16_t port) {
  const auto lines = ScopeState::lines();
  const auto line = lines.find(port);
  return portTitle(port, line == lines.end() ? std::string() : line->second.name);
}

}  // namespace portpool
