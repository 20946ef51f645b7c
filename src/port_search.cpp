#include "port_search.hpp"

#include "lingering_ports.hpp"
#include "run_start.hpp"
#include "text.hpp"

#include <portpool/errors.hpp>

#include <algorithm>
#include <optional>
#include <sstream>
#include <utility>

namespace portpool {
namespace {

using State = PortTable::State;

// Those who only want the list of the tests give up after some seconds.
constexpr std::chrono::milliseconds kLongestBeforeRun{2000};

constexpr unsigned kFresh = PortTable::bit(State::Unused) | PortTable::bit(State::Returned);

bool isPlain(const PortRequest& request) {
  const auto& hosts = request.hosts;
  const bool isOfEveryAddress = std::find(hosts.begin(), hosts.end(), "") != hosts.end();
  return request.transport == Transport::TCP && isOfEveryAddress &&
         request.family == AddressFamily::Any && !request.avoidTimeWait &&
         request.hold != Hold::Exclusive;
}

}  // namespace

std::string kindOf(const PortRequest& request, std::size_t count, bool isBlock) {
  const std::string transport = request.transport == Transport::TCP   ? "TCP"
                                : request.transport == Transport::UDP ? "UDP"
                                                                      : "TCP and UDP";
  if (count == 1) return transport + " port";
  return (isBlock ? "block of " : "set of ") + std::to_string(count) +
         (isBlock ? " consecutive " : " ") + transport + " ports";
}

PortSearch::PortSearch(std::shared_ptr<PortPool::Impl> pool, PortRequest request, std::size_t count,
                       bool isBlock)
    : pool_(std::move(pool)),
      request_(std::make_shared<const PortRequest>(std::move(request))),
      count_(count),
      isBlock_(isBlock && count > 1),
      isPlain_(isPlain(*request_)),
      waitTime_(isBeforeRun() ? std::min(pool_->waitTime(), kLongestBeforeRun) : pool_->waitTime()),
      probe_(*request_) {}

std::string PortSearch::describe() const {
  return kindOf(*request_, count_, isBlock_) +
         (request_->name.empty() ? "" : " for " + portpool::quoted(request_->name));
}

std::string PortSearch::kind() const {
  std::ostringstream text;
  text << kindOf(*request_, count_, isBlock_) << ' ' << static_cast<int>(request_->family) << ' '
       << request_->avoidTimeWait << ' ' << static_cast<int>(request_->hold);
  for (const auto& host : request_->hosts) text << ' ' << host;
  return text.str();
}

Allocations PortSearch::look(Reach reach) {
  forbidden_ = PortSet();
  lingering_.clear();
  wasRefusedALease_ = false;
  auto found = isBlock_ ? lookForBlock(reach) : lookForSet(reach);
  leftSomething_ = found.empty() && findWhatIsLeft();
  if (found.empty()) findMissed();
  return found;
}

void PortSearch::findMissed() {
  missed_.clear();
  if (tried_.empty()) return;
  missed_.reserve(pool_->ports().size());  // before the lock
  pool_->withTable([&](const PortTable& table) {
    for (const auto port : pool_->ports()) {
      const auto state = table.state(port);
      const bool isMissed = state != State::Absent && state != State::Owned && !tried_[port];
      if (state == State::Taken || (count_ == 1 && isMissed)) missed_.push_back(port);
    }
  });
}

Allocations PortSearch::lookAtMissed() {
  Allocations found;
  if (missed_.empty()) return found;
  std::vector<std::uint16_t> stillMissed;
  for (const auto port : std::exchange(missed_, {})) {
    auto state = State::Taken;
    pool_->withTable([&](PortTable& table) {
      state = table.state(port);
      if (count_ == 1) table.take(port);
    });
    if (state == State::Taken) {
      stillMissed.push_back(port);
    } else if (count_ == 1 && state != State::Owned) {
      if (auto allocation = tryPort(port)) found.push_back(std::move(allocation));
      if (!found.empty()) return found;
    }
  }
  missed_ = std::move(stillMissed);
  if (count_ == 1 || !missed_.empty()) return found;
  tried_.clear();
  return look(Reach::Everything);
}

bool PortSearch::findWhatIsLeft() {
  // Ports that are leased come back for everybody. Those that other programs have may be free for
  // another request, at the least if they have all of them.
  const auto busy =
      pool_->withTable([](const PortTable& table) { return table.count(State::Busy); });
  if (busy == pool_->ports().size()) return true;
  if (count_ == 1) return !isPlain_ && isBusyPortForOthers();
  // Of a port that could be of no block it is not known yet.
  while (const auto port = pool_->withTable([](PortTable& table) { return table.nextFresh(); })) {
    if (!pool_->registry().isLeased(*port)) return true;
    pool_->withTable([&](PortTable& table) {
      const bool isStillFresh = (PortTable::bit(table.state(*port)) & kFresh) != 0;
      if (isStillFresh && table.take(*port)) table.put(*port, State::Leased);
    });
  }
  return !isPlain_ && isBusyPortForOthers();
}

PortTable::State PortSearch::stateForPlain(std::uint16_t port) {
  try {
    const platform::NoFork noFork;
    const auto lease = pool_->registry().tryAcquire(port);
    if (!lease) return State::Leased;
    Probe plain{PortRequest()};
    const auto result = plain.isFree(port, Probe::Mode::BesidesLingering);
    return result == Probe::Result::Free ? State::Returned : State::Busy;
  } catch (...) {
    pool_->withTable([&](PortTable& table) { table.put(port, State::Returned); });
    throw;
  }
}

bool PortSearch::isBusyPortForOthers() {
  auto busy = pool_->withTable([](const PortTable& table) { return table.count(State::Busy); });
  for (; busy > 0; --busy) {
    const auto port =
        pool_->withTable([](PortTable& table) { return table.takeOldest(State::Busy); });
    if (!port) break;
    const auto state = stateForPlain(*port);
    const bool isFree = state == State::Returned;
    pool_->withTable([&](PortTable& table) { table.put(*port, isFree ? State::Busy : state); });
    if (isFree) return true;
  }
  return false;
}

Allocations PortSearch::lookAside() {
  Allocations found;
  if (!canLookAside()) return found;
  std::size_t busy = 0, leased = 0, fresh = 0;
  pool_->withTable([&](const PortTable& table) {
    busy = table.count(State::Busy);
    leased = table.count(State::Leased);
    fresh = table.fresh();
  });
  const auto next = [&](PortTable& table) {
    std::optional<std::uint16_t> port;
    for (; !port && busy > 0; --busy) port = table.takeOldest(State::Busy);
    for (; !port && leased > 0; --leased) port = table.takeOldest(State::Leased);
    for (; !port && fresh > 0; --fresh) port = table.takeFresh();
    return port;
  };
  PortSet ofNoUseToOthers;  // which a block may be of
  while (found.size() < count_) {
    const auto port = pool_->withTable(next);
    if (!port) break;
    const auto state = stateForPlain(*port);
    if (state != State::Busy || isBlock_) {
      pool_->withTable([&](PortTable& table) { table.put(*port, state); });
      if (state == State::Busy) ofNoUseToOthers.insert(*port);
    } else if (auto allocation = tryPort(*port)) {
      found.push_back(std::move(allocation));
    }
  }
  if (isBlock_) return lookForBlockAmong(ofNoUseToOthers);
  if (found.size() < count_) found.clear();
  return found;
}

Allocations PortSearch::lookForBlockAmong(const PortSet& ports) {
  for (const auto& range : ports.ranges()) {
    for (std::size_t first = range.first; first + count_ <= range.last + std::size_t{1};) {
      std::uint16_t failed = 0;
      auto block = tryRun(static_cast<std::uint16_t>(first), failed);
      if (!block.empty()) return block;
      first = failed + std::size_t{1};
    }
  }
  return {};
}

Allocations PortSearch::lookForSet(Reach reach) {
  Allocations found;
  found.reserve(count_);
  std::size_t leased = 0, busy = 0;  // of those known so far, how many are left to try
  if (reach == Reach::Everything) {
    pool_->withTable([&](const PortTable& table) {
      leased = table.count(State::Leased);
      busy = table.count(State::Busy);
    });
  }
  // What is least likely to be free comes first, as soon as the fresh ports alone do not suffice:
  // a set that cannot be had disturbs nobody by leases of the rest.
  bool wasLeased = false;
  const auto next = [&](PortTable& table) {
    wasLeased = false;
    if (table.fresh() >= count_ - found.size()) return table.takeFresh();
    std::optional<std::uint16_t> port;
    for (; !port && leased > 0; --leased) port = table.takeOldest(State::Leased);
    wasLeased = port.has_value();
    for (; !port && busy > 0; --busy) port = table.takeOldest(State::Busy);
    return port;
  };
  const auto takeAll = [&] {
    while (found.size() < count_) {
      const auto port = pool_->withTable(next);
      if (!port) break;
      if (auto allocation = tryPort(*port, wasLeased)) found.push_back(std::move(allocation));
    }
  };
  takeAll();
  if (found.size() < count_ && reach == Reach::Everything) {
    takeLingering(found);
    takeAll();  // the fresh ones, which may suffice now, and of which some may linger
  }
  if (found.size() < count_) found.clear();
  return found;
}

void PortSearch::takeLingering(Allocations& found) {
  findLingering();
  for (const auto port : lingering_) {
    if (found.size() == count_) return;
    const bool isTaken = pool_->withTable(
        [&](PortTable& table) { return table.state(port) == State::Busy && table.take(port); });
    if (!isTaken) continue;
    if (auto allocation = tryPort(port)) found.push_back(std::move(allocation));
  }
}

Allocations PortSearch::lookForBlock(Reach reach) {
  auto found = lookForBlockOf(kFresh);
  if (!found.empty() || reach == Reach::Fresh) return found;
  found = lookForBlockOf(kFresh | PortTable::bit(State::Leased));
  if (!found.empty()) return found;
  found = lookForBlockOf(kFresh | PortTable::bit(State::Leased) | PortTable::bit(State::Busy));
  if (!found.empty()) return found;
  findLingering();
  if (lingering_.empty()) return found;
  return lookForBlockOf(kFresh | PortTable::bit(State::Leased) | PortTable::bit(State::Busy));
}

Allocations PortSearch::lookForBlockOf(unsigned states) {
  // Over the ports once, from somewhere, and past that place again for a block across it.
  const std::uint32_t start = pool_->withTable([](PortTable& table) { return table.randomPort(); });
  for (const bool isSecondLeg : {false, true}) {
    std::uint32_t from = isSecondLeg ? 0 : start;
    for (;;) {
      const auto run = pool_->withTable(
          [&](const PortTable& table) { return table.findRun(count_, from, states); });
      if (!run || (isSecondLeg && *run >= start)) break;
      std::uint16_t failed = 0;
      auto block = tryRun(*run, failed);
      if (!block.empty()) return block;
      from = failed + std::uint32_t{1};
    }
  }
  return {};
}

Allocations PortSearch::tryRun(std::uint16_t first, std::uint16_t& failed) {
  // Again the least likely first.
  std::vector<std::pair<State, std::uint16_t>> order;
  order.reserve(count_);
  pool_->withTable([&](const PortTable& table) {
    for (std::size_t i = 0; i < count_; ++i) {
      const auto port = static_cast<std::uint16_t>(first + i);
      order.emplace_back(table.state(port), port);
    }
  });
  const auto isFresh = [](State state) { return (PortTable::bit(state) & kFresh) != 0; };
  std::stable_partition(order.begin(), order.end(),
                        [&](const auto& each) { return !isFresh(each.first); });
  Allocations block(count_);
  for (const auto& [state, port] : order) {
    failed = port;
    if (state == State::Busy && !lingering_.empty() && !isLingering(port)) return {};
    const bool isTaken =
        pool_->withTable([free = port](PortTable& table) { return table.take(free); });
    if (!isTaken) return {};
    auto allocation = tryPort(port, state == State::Leased);
    if (!allocation) return {};
    block[static_cast<std::size_t>(port - first)] = std::move(allocation);
  }
  return block;
}

std::unique_ptr<detail::Allocation> PortSearch::tryPort(std::uint16_t port, bool wasLeased) {
  auto& registry = pool_->registry();
  auto state = State::Returned;
  try {
    // The lease first: a probe of a port that somebody else leases could break its own bind.
    const platform::NoFork noFork;
    if (!tried_.empty()) tried_[port] = true;
    // To ask costs less than to try, where the answer is most likely yes.
    const bool isLeased = (wasLeased || wasRefusedALease_) && registry.isLeased(port);
    auto lease = isLeased ? nullptr : registry.tryAcquire(port);
    std::vector<platform::PrivateSocket> hold;
    const bool isHeld = request_->hold != Hold::None;
    // A process with the other kind of lease keeps its TCP ports bound, which a probe of the same
    // addresses sees unless it looks beside what is bound.
    const bool isDoubtful = registry.isOneOfTwo() || !isPlain_;
    const auto isTheOthers = [&] { return registry.isLeasedByTheOther(port); };
    const auto probe = [&](Probe::Mode mode) {
      return isHeld ? probe_.hold(port, request_->hold, mode, hold) : probe_.isFree(port, mode);
    };
    if (!lease || (isDoubtful && isTheOthers())) {
      state = State::Leased;
      wasRefusedALease_ = true;
    } else {
      auto result = probe(Probe::Mode::Exclusive);
      if (result == Probe::Result::Busy && isLingering(port) && !isTheOthers()) {
        result = probe(Probe::Mode::BesidesLingering);
      }
      if (result == Probe::Result::Forbidden) forbidden_.insert(port);
      if (result != Probe::Result::Free) {
        state = State::Busy;
      } else if (isHeld && isTheOthers()) {  // since it was last asked
        state = State::Leased;
      } else {
        return std::make_unique<detail::Allocation>(pool_, request_, port, std::move(lease),
                                                    std::move(hold));
      }
    }
  } catch (...) {
    pool_->withTable([&](PortTable& table) { table.put(port, State::Returned); });
    throw;
  }
  pool_->withTable([&](PortTable& table) { table.put(port, state); });
  return nullptr;
}

void PortSearch::findLingering() {
  // The system walks over all of its sockets for this.
  constexpr std::chrono::milliseconds kShortestPause{50};
  constexpr int kPauseInTimesOfItsCost = 50;
  const auto start = Clock::now();
  // A socket that is bound beside such connections must itself allow others beside it.
  const bool isAllowed = !request_->avoidTimeWait && request_->hold != Hold::Exclusive &&
                         request_->transport != Transport::UDP;
  const auto busy =
      pool_->withTable([](const PortTable& table) { return table.count(State::Busy); });
  if (!isAllowed || busy == 0 || start < nextLookUp_) return;
  lingering_ = lingeringPorts(pool_->ports());
  isLingering_.assign(kPorts, false);
  for (const auto port : lingering_) isLingering_[port] = true;
  const auto cost = Clock::now() - start;
  nextLookUp_ = start + std::max<Clock::duration>(kShortestPause, cost * kPauseInTimesOfItsCost);
}

bool PortSearch::isLingering(std::uint16_t port) const {
  return !lingering_.empty() && isLingering_[port];
}

}  // namespace portpool
