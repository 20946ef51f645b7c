#include "environment.hpp"
#include "leaks.hpp"
#include "port_scope_state.hpp"
#include "run_start.hpp"

#include <portpool/adapter.hpp>

#include <algorithm>
#include <exception>
#include <iterator>
#include <new>
#include <utility>

namespace portpool {

using detail::ScopeState;

PortScope::PortScope(std::string name) : state_(new ScopeState) {
  beginRun();
  const platform::CoreLock lock;
  auto& open = ScopeState::open();
  if (name.empty()) name = open.size() == 1 ? "a scope" : open.back()->name;
  state_->name = std::move(name);
  open.push_back(state_.get());
  announceTest(state_->name);
}

PortScope::~PortScope() {
  const auto failures = end();
  try {
    {
      const platform::CoreLock lock;
      auto& open = ScopeState::open();
      const auto self = open.erase(std::find(open.begin(), open.end(), state_.get()));
      announceTest(open.back()->name);
      auto& outer = **std::prev(self);
      if (&outer != open.front()) {
        outer.append(*state_, failures);
        return;
      }
    }
    for (const auto& failure : failures) log(failure);  // nobody is left to fail
  } catch (const std::exception&) {
    return;  // out of memory; nobody hears of it
  }
}

std::vector<std::string> PortScope::end() noexcept {
  std::vector<TCPPortOwner> owners;
  std::vector<std::string> failures;
  auto& state = *state_;
  {
    const platform::CoreLock lock;
    owners.swap(state.owners);
    failures.swap(state.failures);
    state.named.clear();
  }
  if (state.process != platform::currentProcess()) failures.clear();  // the parent tells them
  try {
    if (owners.empty() || leakPolicy() == LeakPolicy::Ignore) return failures;
    const auto leaks = findLeaks(state.name, ScopeState::allocationsOf(owners));
    for (const auto& leak : leaks.unknown) warn(leak);
    for (const auto& leak : leaks.found) {
      {
        const platform::CoreLock lock;
        state.leaked.insert(leak.port);
      }
      if (leakPolicy() == LeakPolicy::Fail) {
        failures.push_back(leak.message);
      } else {
        warn(leak.message);
      }
    }
  } catch (const std::exception& error) {
    try {
      warn(state.name +
           " ends; it is not known whether its ports are still in use: " + error.what());
    } catch (const std::bad_alloc&) {
      return failures;
    }
  }
  return failures;
}

std::vector<std::uint16_t> PortScope::ports() const {
  std::vector<std::uint16_t> ports;
  const platform::CoreLock lock;
  for (const auto& each : state_->handedOut) ports.push_back(each.port);
  return ports;
}

std::vector<std::pair<std::string, std::string>> PortScope::properties() const {
  std::string tcp, udp, names, leaked;
  const auto add = [](std::string& list, const std::string& word) {
    list += (list.empty() ? "" : " ") + word;
  };
  {
    const platform::CoreLock lock;
    state_->isReported = true;
    for (const auto& each : state_->handedOut) {
      if (each.isReported) continue;
      const auto port = std::to_string(each.port);
      if (each.transport != Transport::UDP) add(tcp, port);
      if (each.transport != Transport::TCP) add(udp, port);
      if (!each.named.empty()) add(names, each.named);
    }
    for (const auto port : state_->leaked) add(leaked, std::to_string(port));
  }
  std::vector<std::pair<std::string, std::string>> properties;
  for (const auto& [name, value] : {std::pair<const char*, const std::string&>{"tcp_ports", tcp},
                                    {"udp_ports", udp},
                                    {"named_ports", names},
                                    {"leaked_ports", leaked}}) {
    if (!value.empty()) properties.emplace_back(name, value);
  }
  return properties;
}

}  // namespace portpool
