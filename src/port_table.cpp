#include "port_table.hpp"

#include <algorithm>

namespace portpool {

PortTable::PortTable(const PortSet& ports, std::uint64_t seed)
    : random_(static_cast<std::mt19937::result_type>(seed ^ (seed >> 32))),
      ports_(ports),
      states_(kPorts, State::Absent),
      links_(new Links[kPorts]) {
  for (const auto& range : ports.ranges()) {
    std::fill(states_.begin() + range.first, states_.begin() + range.last + 1, State::Unused);
  }
  counts_[static_cast<std::size_t>(State::Absent)] = kPorts - ports.size();
  counts_[static_cast<std::size_t>(State::Unused)] = ports.size();
}

void PortTable::setState(std::uint16_t port, State state) noexcept {
  --counts_[static_cast<std::size_t>(states_[port])];
  ++counts_[static_cast<std::size_t>(state)];
  states_[port] = state;
}

void PortTable::unlink(std::uint16_t port) noexcept {
  auto& queue = queueOf(states_[port]);
  const auto [before, after] = links_[port];
  (before == 0 ? queue.front : links_[before].after) = after;
  (after == 0 ? queue.back : links_[after].before) = before;
}

std::optional<std::uint16_t> PortTable::takeFresh() {
  const auto port = nextFresh();
  if (port) take(*port);
  return port;
}

std::optional<std::uint16_t> PortTable::nextFresh() {
  if (count(State::Unused) > 0) return randomUnused();
  const auto port = queueOf(State::Returned).front;
  return port == 0 ? std::nullopt : std::optional(port);
}

std::optional<std::uint16_t> PortTable::takeOldest(State state) {
  const auto port = queueOf(state).front;
  if (port == 0) return std::nullopt;
  take(port);
  return port;
}

bool PortTable::take(std::uint16_t port) {
  const auto state = states_[port];
  if (state == State::Absent || state == State::Taken) return false;
  if (state != State::Unused) unlink(port);
  setState(port, State::Taken);
  return true;
}

void PortTable::put(std::uint16_t port, State state) noexcept {
  auto& queue = queueOf(state);
  links_[port] = {queue.back, 0};
  (queue.back == 0 ? queue.front : links_[queue.back].after) = port;
  queue.back = port;
  setState(port, state);
}

void PortTable::leaveTakenToParent() noexcept {
  for (const auto port : ports_) {
    if (states_[port] == State::Taken) put(port, State::Leased);
  }
}

std::optional<std::uint16_t> PortTable::findBlock(const BlockShape& shape, std::size_t from,
                                                  unsigned states) const {
  const auto isUsable = [&](std::size_t port) { return (bit(states_[port]) & states) != 0; };
  for (auto first = from;;) {
    first = (first + shape.multipleOf - 1) / shape.multipleOf * shape.multipleOf;
    if (first + shape.offset(shape.count - 1) >= kPorts) return std::nullopt;
    // The last port that is not usable rules out every block of consecutive ports that has it.
    auto left = shape.count;
    while (left > 0 && isUsable(first + shape.offset(left - 1))) --left;
    if (left == 0) return static_cast<std::uint16_t>(first);
    first += shape.distance == 1 ? left : 1;
  }
}

std::uint16_t PortTable::randomPort() {
  auto index = (std::uint64_t{random_()} * ports_.size()) >> 32;
  auto range = ports_.ranges().begin();
  for (; index > range->last - std::uint64_t{range->first}; ++range) {
    index -= range->last - range->first + std::uint64_t{1};
  }
  return static_cast<std::uint16_t>(range->first + index);
}

/// Every unused port is as likely as any other, unless few of many are left: then the next after a
/// random place is near enough.
std::uint16_t PortTable::randomUnused() {
  constexpr int kTries = 32;
  auto port = randomPort();
  for (int i = 0; i < kTries && states_[port] != State::Unused; ++i) port = randomPort();
  const auto begin = states_.begin();
  auto found = std::find(begin + port, states_.end(), State::Unused);
  if (found == states_.end()) found = std::find(begin, states_.end(), State::Unused);
  return static_cast<std::uint16_t>(found - begin);
}

}  // namespace portpool
