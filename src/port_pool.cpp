#include <portpool/port_pool.hpp>

#include "environment.hpp"
#include "leaks.hpp"
#include "port_pool_impl.hpp"
#include "waiting_line.hpp"

#include <portpool/errors.hpp>
#include <portpool/server_ports.hpp>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <random>
#include <sstream>
#include <unordered_set>
#include <utility>

namespace portpool {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kPollInterval{2};
constexpr milliseconds kReportAfter{1000};
constexpr milliseconds kLongestWait = std::chrono::hours(24 * 365);  // that a clock can add
// Someone behind in line looks for a port all the same so often, should the first in line want one
// that he cannot get.
constexpr milliseconds kLookFromBehind{250};

std::uint64_t randomSeed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

PortPoolOptions optionsFromEnvironment() {
  constexpr std::uint64_t kDay = std::uint64_t{24} * 60 * 60;
  PortPoolOptions options;
  options.seed = environmentNumber("PORTPOOL_SEED", std::numeric_limits<std::uint64_t>::max());
  if (const auto seconds = environmentNumber("PORTPOOL_WAIT_SECONDS", kDay)) {
    options.waitTime = std::chrono::seconds(*seconds);
  }
  options.verbose = environmentChoice("PORTPOOL_VERBOSE", {"0", "1"}) == "1";
  options.hold = environmentChoice("PORTPOOL_HOLD", {"0", "1"}) == "1";
  return options;
}

std::string inSeconds(milliseconds time) {
  std::ostringstream text;
  text << static_cast<double>(time.count()) / 1000 << " s";
  return text.str();
}

/// The text, or its beginning if it is long.
std::string shortened(const std::string& text) {
  constexpr std::size_t kLongest = 120;
  return text.size() > kLongest ? text.substr(0, kLongest) + "..." : text;
}

/// Says what is needed to repeat the order of the ports, and at exit what the pool has done.
void tellOf(const PortPool& pool) {
  say("seed " + std::to_string(pool.seed()) + " (PORTPOOL_SEED) for " +
      std::to_string(pool.ports().size()) + " ports: " + shortened(pool.ports().toString()));
  std::atexit([] {
    const auto statistics = PortPool::process().statistics();
    say(std::to_string(statistics.lifetimeTotal) + " ports handed out in all, at most " +
        std::to_string(statistics.peak) + " at a time, " + std::to_string(statistics.allocated) +
        " of them never returned");
  });
}

}  // namespace

// ---- PortPool -----------------------------------------------------------------------------------

PortPool& PortPool::process() {
  static auto& pool = []() -> PortPool& {
    leakPolicy();  // a fault in its variable stops the run here, with the others
    const auto options = optionsFromEnvironment();
    auto& built = *new PortPool(getServerTCPPorts(), options);
    if (options.verbose) tellOf(built);
    return built;
  }();
  return pool;
}

PortPool::PortPool(const PortSet& ports, const PortPoolOptions& options)
    : impl_(std::make_shared<Impl>(ports, options)) {}

PortPool::~PortPool() = default;

TCPPortOwner PortPool::allocate(const PortRequest& request) {
  return TCPPortOwner(std::move(impl_->allocate(request, 1).front()));
}

std::vector<TCPPortOwner> PortPool::allocateSeveral(std::size_t count, const PortRequest& request) {
  return owning(impl_->allocate(request, count));
}

std::vector<TCPPortOwner> PortPool::allocateBlock(std::size_t count, const PortRequest& request) {
  return owning(impl_->allocateBlock(request, count));
}

std::vector<TCPPortOwner> PortPool::owning(
    std::vector<std::unique_ptr<detail::Allocation>> allocations) {
  std::vector<TCPPortOwner> owners;
  owners.reserve(allocations.size());
  for (auto& allocation : allocations) owners.push_back(TCPPortOwner(std::move(allocation)));
  return owners;
}

const PortSet& PortPool::ports() const noexcept { return impl_->ports(); }
std::uint64_t PortPool::seed() const noexcept { return impl_->seed(); }
PortPoolStatistics PortPool::statistics() const { return impl_->statistics(); }

// ---- PortPool::Impl -----------------------------------------------------------------------------

PortPool::Impl::Impl(PortSet ports, const PortPoolOptions& options)
    : ports_(std::move(ports)),
      seed_(options.seed ? *options.seed : randomSeed()),
      waitTime_(std::clamp(options.waitTime, milliseconds::zero(), kLongestWait)),
      verbose_(options.verbose),
      hold_(options.hold),
      registry_(platform::makeLeaseRegistry()),
      candidates_(ports_, seed_),
      statistics_{ports_.size(), 0, 0, 0} {
  if (ports_.empty()) {
    throw PortSpecificationError(
        "a PortPool needs at least one port; give it a set like 20000-20999");
  }
}

PortPool::Impl::Allocations PortPool::Impl::allocate(const PortRequest& request,
                                                     std::size_t count) {
  if (count == 0 || count > ports_.size()) {
    throw PortSpecificationError(std::to_string(count) + " ports are asked of a pool of " +
                                 std::to_string(ports_.size()) +
                                 "; ask for one at least, or allow more (PORTPOOL_PORTS)");
  }
  Search search(completed(request), count, false);
  return handOut(search);
}

PortPool::Impl::Allocations PortPool::Impl::allocateBlock(const PortRequest& request,
                                                          std::size_t count) {
  auto longest = ports_.ranges().front();
  for (const auto& range : ports_.ranges()) {
    if (range.last - range.first > longest.last - longest.first) longest = range;
  }
  const auto length = longest.last - longest.first + std::size_t{1};
  if (count == 0 || count > length) {
    throw PortSpecificationError(
        "a block of " + std::to_string(count) +
        " consecutive ports is asked of a pool whose longest run is " +
        PortSet{longest}.toString() + ", " + std::to_string(length) +
        " ports; ask for one at least, or allow a longer run (PORTPOOL_PORTS)");
  }
  Search search(completed(request), count, true);
  return handOut(search);
}

PortRequest PortPool::Impl::completed(PortRequest request) const {
  if (request.transport == Transport::UDP) {
    if (request.hold != Hold::None) {
      throw PortSpecificationError(
          "a UDP port cannot be held, since the hold would take the server's datagrams; ask for "
          "Hold::None");
    }
  } else if (hold_ && request.hold == Hold::None) {
    request.hold = Hold::Shared;
  }
  return request;
}

PortPool::Impl::Allocations PortPool::Impl::handOut(Search& search) {
  auto allocations = attempt(search, Manners::LetOthersFirst);
  if (allocations.empty()) {
    search.probe.isFree(0);  // a wrong host is an error at once, even if no port could be probed
    allocations = wait(search);
  }
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    statistics_.allocated += allocations.size();
    statistics_.peak = std::max(statistics_.peak, statistics_.allocated);
    statistics_.lifetimeTotal += allocations.size();
  }
  for (const auto& allocation : allocations) {
    allocation->handOut();
    if (verbose_) say("port " + std::to_string(allocation->port()) + " handed out");
  }
  return allocations;
}

void PortPool::Impl::takeBack(std::uint16_t port, bool wasHandedOut) noexcept {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    candidates_.giveBack(port);
    if (!wasHandedOut) return;
    --statistics_.allocated;
    ++returns_;
  }
  portReturned_.notify_all();
  if (verbose_) say("port " + std::to_string(port) + " returned");
}

PortPoolStatistics PortPool::Impl::statistics() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return statistics_;
}

std::unique_ptr<detail::Allocation> PortPool::Impl::tryEveryPort(Search& search, Manners manners) {
  using Mode = platform::Probe::Mode;
  std::unique_lock<std::mutex> lock(mutex_);

  for (;;) {
    if (manners == Manners::LetOthersFirst && candidates_.left() == 1) {
      lock.unlock();
      if (PlaceInLine::isAnyoneWaiting(*registry_, ports_)) return nullptr;
      lock.lock();
    }
    const auto port = candidates_.next();
    if (!port) break;
    lock.unlock();
    if (auto allocation = tryPort(*port, search, Mode::Exclusive)) return allocation;
    lock.lock();
  }

  for (auto left = candidates_.suspects(); left > 0; --left) {
    const auto port = candidates_.nextSuspect();
    if (!port) break;
    lock.unlock();
    if (auto allocation = tryPort(*port, search, Mode::Exclusive)) return allocation;
    lock.lock();
  }
  lock.unlock();

  for (const auto port : search.portsInTimeWait()) {
    lock.lock();
    const bool isSuspect = candidates_.takeSuspect(port);
    lock.unlock();
    if (!isSuspect) continue;
    if (auto allocation = tryPort(port, search, Mode::BesidesTimeWait)) return allocation;
  }
  return nullptr;
}

std::unique_ptr<detail::Allocation> PortPool::Impl::tryPort(std::uint16_t port, Search& search,
                                                            platform::Probe::Mode mode) {
  try {
    // The lease first: a probe of a port that somebody else leases could break his own bind.
    if (auto lease = registry_->tryAcquire(port)) {
      const auto wantedHold = search.request->hold;
      std::vector<platform::Socket> hold;
      if (wantedHold != Hold::None) hold = search.probe.hold(port, wantedHold, mode);
      if (wantedHold != Hold::None ? !hold.empty() : search.probe.isFree(port, mode)) {
        return std::make_unique<detail::Allocation>(shared_from_this(), search.request, port,
                                                    std::move(lease), std::move(hold));
      }
    }
  } catch (...) {
    const std::lock_guard<std::mutex> lock(mutex_);
    candidates_.giveBack(port);
    throw;
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  candidates_.addSuspect(port);
  return nullptr;
}

PortPool::Impl::Allocations PortPool::Impl::attempt(Search& search, Manners manners) {
  if (search.isBlock) {
    if (auto block = tryBlock(search, {}); !block.empty()) return block;
    const auto inTimeWait = search.portsInTimeWait();
    return inTimeWait.empty() ? Allocations{} : tryBlock(search, inTimeWait);
  }
  Allocations allocations;
  while (allocations.size() < search.count) {
    auto allocation = tryEveryPort(search, manners);
    if (!allocation) return {};
    allocations.push_back(std::move(allocation));
  }
  return allocations;
}

PortPool::Impl::Allocations PortPool::Impl::tryBlock(Search& search,
                                                     const std::vector<std::uint16_t>& inTimeWait) {
  using Mode = platform::Probe::Mode;
  const std::unordered_set<std::uint16_t> besidesTimeWait(inTimeWait.begin(), inTimeWait.end());
  const auto count = search.count;
  std::vector<std::uint16_t> ports;  // of the runs that are long enough
  for (const auto& range : ports_.ranges()) {
    if (range.last - range.first + std::size_t{1} < count) continue;
    for (int port = range.first; port <= range.last; ++port) {
      ports.push_back(static_cast<std::uint16_t>(port));
    }
  }
  const auto locked = [this](const auto& action) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return action();
  };
  // Walks over the ports once, from somewhere, and past that place again for a block across it.
  const auto start = locked([&] { return candidates_.randomBelow(ports.size()); });
  Allocations block;
  for (std::size_t i = 0; i < ports.size() + count - 1; ++i) {
    const auto port = ports[(start + i) % ports.size()];
    if (!block.empty() && block.back()->port() + 1 != port) block.clear();
    std::unique_ptr<detail::Allocation> allocation;
    if (locked([&] { return candidates_.take(port); })) {
      const bool isInTimeWait = besidesTimeWait.count(port) != 0;
      allocation = tryPort(port, search, isInTimeWait ? Mode::BesidesTimeWait : Mode::Exclusive);
    }
    if (!allocation) {
      block.clear();
      continue;
    }
    block.push_back(std::move(allocation));
    if (block.size() == count) return block;
  }
  return {};
}

PortPool::Impl::Allocations PortPool::Impl::wait(Search& search) {
  const auto start = Clock::now();
  const auto deadline = start + waitTime_;
  PlaceInLine place(*registry_, ports_);
  bool isReported = false;
  std::uint64_t returnsSeen = 0;
  auto nextLook = start + kLookFromBehind;
  Clock::duration pause = Clock::duration::zero();  // the first in line looks at once

  for (;;) {
    {
      std::unique_lock<std::mutex> lock(mutex_);
      const auto until = std::min(Clock::now() + pause, deadline);
      portReturned_.wait_until(lock, until, [&] { return returns_ != returnsSeen; });
      returnsSeen = returns_;
    }
    const auto now = Clock::now();
    const bool isFirst = place.advance();
    if (isFirst || now >= nextLook || now >= deadline) {
      if (auto allocations = attempt(search, Manners::InLine); !allocations.empty())
        return allocations;
      nextLook = now + kLookFromBehind;
    }
    // A look at thousands of busy ports takes its time; it may take half of one processor's.
    pause = std::max<Clock::duration>(kPollInterval, Clock::now() - now);

    if (now >= deadline) {
      throw NoPortAvailableError("no " + search.describe() + " became free in " +
                                 inSeconds(waitTime_) + "; " + describeUsers(search) +
                                 ". Return ports earlier, run fewer tests at a time, allow more "
                                 "ports (PORTPOOL_PORTS), or "
                                 "wait longer (PORTPOOL_WAIT_SECONDS)");
    }
    if (!isReported && now - start >= kReportAfter) {
      isReported = true;
      say("waiting for a " + search.describe() + ", up to " + inSeconds(waitTime_) + "; " +
          describeUsers(search));
    }
  }
}

std::vector<std::uint16_t> PortPool::Impl::Search::portsInTimeWait() const {
  // A socket that is bound beside TIME_WAIT must itself allow others beside it.
  if (request->avoidTimeWait || request->hold == Hold::Exclusive) return {};
  return platform::portsInTimeWait();
}

std::string PortPool::Impl::Search::describe() const {
  const std::string transport = request->transport == Transport::TCP   ? "TCP"
                                : request->transport == Transport::UDP ? "UDP"
                                                                       : "TCP and UDP";
  if (count == 1) return transport + " port";
  return (isBlock ? "block of " : "set of ") + std::to_string(count) +
         (isBlock ? " consecutive " : " ") + transport + " ports";
}

std::string PortPool::Impl::describeUsers(const Search& search) const {
  constexpr std::size_t kMost = 20;
  std::ostringstream text;
  // Several ports can be too many though some are free.
  const bool isEveryPortTaken = search.count == 1;
  text << (isEveryPortTaken ? "all " : "of the ") << ports_.size() << " ports of the pool ("
       << shortened(ports_.toString()) << ") are taken";
  auto users = platform::usersOfPorts(ports_, platform::PortUse::SocketsAndLeases);
  if (isEveryPortTaken) {
    auto unexplained = ports_;
    for (const auto& [user, ports] : users) unexplained -= ports;
    if (!unexplained.empty()) users["no process that the system shows"] = unexplained;
  }
  std::size_t told = 0;
  for (const auto& [user, ports] : users) {
    if (told++ == kMost) {
      text << "; and " << users.size() - kMost << " other users";
      break;
    }
    text << (told == 1 ? ": " : "; ") << shortened(ports.toString()) << " by " << user;
  }
  return text.str();
}

// ---- Allocation ---------------------------------------------------------------------------------

detail::Allocation::Allocation(std::shared_ptr<PortPool::Impl> pool,
                               std::shared_ptr<const PortRequest> request, std::uint16_t port,
                               std::unique_ptr<platform::Lease> lease,
                               std::vector<platform::Socket> hold)
    : pool_(std::move(pool)),
      request_(std::move(request)),
      port_(port),
      lease_(std::move(lease)),
      hold_(std::move(hold)) {}

detail::Allocation::~Allocation() {
  hold_.clear();
  lease_.reset();  // before another thread can be given the port
  pool_->takeBack(port_, isHandedOut_);
}

bool detail::Allocation::isLeaked() {
  hold_.clear();
  return !platform::Probe(*request_).isFree(port_) && !platform::hasOnlyClosingConnections(port_);
}

}  // namespace portpool
