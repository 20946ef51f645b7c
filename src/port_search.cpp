#include "port_search.hpp"

#include "descriptions.hpp"
#include "lingering_ports.hpp"
#include "text.hpp"

#include <optional>
#include <utility>

namespace portpool {
namespace {

using State = PortTable::State;

constexpr unsigned kFresh = PortTable::bit(State::Unused) | PortTable::bit(State::Returned);

bool isFresh(State state) { return (PortTable::bit(state) & kFresh) != 0; }

}  // namespace

PortSearch::PortSearch(PortPool::Impl& pool, std::shared_ptr<const PortRequest> request,
                       std::size_t count, bool isBlock)
    : pool_(pool),
      request_(std::move(request)),
      shape_{count, request_->distance, request_->multipleOf},
      isBlock_(shape_.multipleOf > 1 || (isBlock && count > 1)),
      probe_(*request_) {}

std::string PortSearch::describe() const {
  return kindOf(*request_, count(), isBlock_) +
         (request_->name.empty() ? "" : " for " + portpool::quoted(request_->name));
}

Allocations PortSearch::look(Reach reach) {
  forbidden_ = PortSet();
  lingering_.clear();
  return isBlock_ ? lookForBlock(reach) : lookForSet(reach);
}

bool PortSearch::arePortsLeft() {
  const auto busy =
      pool_.withTable([](const PortTable& table) { return table.count(State::Busy); });
  if (busy == pool_.ports().size()) return true;
  if (!isBlock_ && count() == 1) return false;
  while (const auto port = pool_.withTable([](PortTable& table) { return table.nextFresh(); })) {
    if (!pool_.registry().isLeased(*port)) return true;
    pool_.withTable([&](PortTable& table) {
      if (isFresh(table.state(*port)) && table.take(*port)) table.put(*port, State::Leased);
    });
  }
  return false;
}

Allocations PortSearch::lookForSet(Reach reach) {
  Allocations found;
  found.reserve(count());
  std::size_t leased = 0, busy = 0;  // known ones that are left to try
  if (reach == Reach::Everything) {
    pool_.withTable([&](const PortTable& table) {
      leased = table.count(State::Leased);
      busy = table.count(State::Busy);
    });
  }
  // The ports least likely to be free come first, as soon as the fresh ports alone do not suffice:
  // a set that cannot be had disturbs nobody by leases of the rest.
  bool wasLeased = false;
  const auto next = [&](PortTable& table) {
    wasLeased = false;
    if (table.fresh() >= count() - found.size()) return table.takeFresh();
    std::optional<std::uint16_t> port;
    for (; !port && leased > 0; --leased) port = table.takeOldest(State::Leased);
    wasLeased = port.has_value();
    for (; !port && busy > 0; --busy) port = table.takeOldest(State::Busy);
    return port;
  };
  const auto takeAll = [&] {
    while (found.size() < count()) {
      const auto port = pool_.withTable(next);
      if (!port) return;
      if (auto allocation = tryPort(*port, wasLeased)) found.push_back(std::move(allocation));
    }
  };
  takeAll();
  if (found.size() < count() && reach == Reach::Everything) {
    findLingering();
    for (auto port = lingering_.begin(); port != lingering_.end() && found.size() < count();
         ++port) {
      const bool isTaken = pool_.withTable(
          [&](PortTable& table) { return table.state(*port) == State::Busy && table.take(*port); });
      auto allocation = isTaken ? tryPort(*port, false) : nullptr;
      if (allocation) found.push_back(std::move(allocation));
    }
    takeAll();  // the fresh ones, which may suffice now, and of which some may linger
  }
  if (found.size() < count()) found.clear();
  return found;
}

Allocations PortSearch::lookForBlock(Reach reach) {
  constexpr unsigned kLeased = kFresh | PortTable::bit(State::Leased);
  constexpr unsigned kBusy = kLeased | PortTable::bit(State::Busy);
  auto found = lookForBlockOf(kFresh);
  if (reach == Reach::Fresh) return found;
  if (found.empty()) found = lookForBlockOf(kLeased);
  if (found.empty()) found = lookForBlockOf(kBusy);
  if (!found.empty()) return found;
  findLingering();
  return lingering_.empty() ? std::move(found) : lookForBlockOf(kBusy);
}

Allocations PortSearch::lookForBlockOf(unsigned states) {
  // Over the ports once, from somewhere, and past that place again for a block across it.
  const std::size_t start = pool_.withTable([](PortTable& table) { return table.randomPort(); });
  for (const bool isSecondLeg : {false, true}) {
    std::size_t from = isSecondLeg ? 0 : start;
    for (;;) {
      const auto first = pool_.withTable(
          [&](const PortTable& table) { return table.findBlock(shape_, from, states); });
      if (!first || (isSecondLeg && *first >= start)) break;
      std::uint16_t failed = 0;
      auto block = tryBlock(*first, failed);
      if (!block.empty()) return block;
      from = std::size_t{1} + (shape_.distance == 1 ? failed : *first);
    }
  }
  return {};
}

Allocations PortSearch::tryBlock(std::uint16_t first, std::uint16_t& failed) {
  Allocations block(count());
  // Again the ports least likely to be free come first.
  for (const bool isTurnOfFresh : {false, true}) {
    for (std::size_t i = 0; i < count(); ++i) {
      if (block[i]) continue;
      const auto port = static_cast<std::uint16_t>(first + shape_.offset(i));
      auto state = State::Absent;
      const bool isTaken = pool_.withTable([&](PortTable& table) {
        state = table.state(port);
        const bool isUseless = state == State::Busy && !lingering_.empty() && !isLingering(port);
        return !isUseless && isFresh(state) == isTurnOfFresh && table.take(port);
      });
      if (!isTaken && isFresh(state) && !isTurnOfFresh) continue;
      failed = port;
      if (isTaken) block[i] = tryPort(port, state == State::Leased);
      if (!block[i]) return {};
    }
  }
  return block;
}

std::unique_ptr<detail::Allocation> PortSearch::tryPort(std::uint16_t port, bool wasLeased) {
  auto& registry = pool_.registry();
  auto state = State::Returned;
  try {
    // The lease first: a probe of a port that somebody else leases could break its own bind.
    const platform::NoFork noFork;
    // To ask costs less than to try, where the answer is most likely yes.
    auto lease = wasLeased && registry.isLeased(port) ? nullptr : registry.tryAcquire(port);
    if (!lease) {
      state = State::Leased;
    } else {
      std::vector<platform::PrivateSocket> hold;
      auto result = probe_.take(port, Probe::Mode::Exclusive, hold);
      if (result == Probe::Result::Busy && isLingering(port)) {
        result = probe_.take(port, Probe::Mode::BesidesLingering, hold);
      }
      if (result == Probe::Result::Free) {
        return std::make_unique<detail::Allocation>(pool_.shared_from_this(), request_, port,
                                                    std::move(lease), std::move(hold));
      }
      if (result == Probe::Result::Forbidden) forbidden_.insert(port);
      state = State::Busy;
    }
  } catch (...) {
    pool_.withTable([&](PortTable& table) { table.put(port, State::Returned); });
    throw;
  }
  pool_.withTable([&](PortTable& table) { table.put(port, state); });
  return nullptr;
}

void PortSearch::findLingering() {
  // A socket that is bound beside such connections must itself allow others beside it.
  const bool isAllowed = !request_->avoidTimeWait && request_->hold != Hold::Exclusive &&
                         request_->transport != Transport::UDP;
  const auto busy =
      pool_.withTable([](const PortTable& table) { return table.count(State::Busy); });
  if (!isAllowed || busy == 0) return;
  lingering_ = lingeringPorts(pool_.ports());
  isLingering_.assign(PortTable::kPorts, false);
  for (const auto port : lingering_) isLingering_[port] = true;
}

bool PortSearch::isLingering(std::uint16_t port) const {
  return !lingering_.empty() && isLingering_[port];
}

}  // namespace portpool
