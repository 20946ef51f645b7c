#include <portpool/port_pool.hpp>

#include "descriptions.hpp"
#include "environment.hpp"
#include "leaks.hpp"
#include "platform/random.hpp"
#include "port_pool_impl.hpp"
#include "port_search.hpp"
#include "port_wait.hpp"
#include "text.hpp"

#include <portpool/errors.hpp>
#include <portpool/server_ports.hpp>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <limits>
#include <utility>

namespace portpool {
namespace {

using std::chrono::milliseconds;

const std::vector<platform::PrivateSocket> kNoHold;

constexpr milliseconds kLongestWait = std::chrono::hours(24 * 365);  // that a clock can add

// The ports that the process of that number has, of all pools. Guarded by platform::CoreLock.
std::uint64_t countedProcess = 0;
std::size_t portsOfProcess = 0;

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

std::string portCount(std::uint64_t count) {
  return std::to_string(count) + (count == 1 ? " port" : " ports");
}

/// Logs the seed, with which the order of the ports can be repeated, and at exit the totals.
void logUse(const PortPool& pool) {
  static std::uint64_t process = 0;
  process = platform::currentProcess();
  log("seed " + std::to_string(pool.seed()) + " (PORTPOOL_SEED) for " +
      portCount(pool.ports().size()) + ": " + listed(pool.ports()));
  std::atexit([] {
    if (process != platform::currentProcess()) return;
    const auto statistics = PortPool::process().statistics();
    log(portCount(statistics.lifetimeTotal) + " handed out in total, at most " +
        std::to_string(statistics.peak) + " at a time, " + std::to_string(statistics.allocated) +
        " of them never returned");
  });
}

}  // namespace

// ---- PortPool -----------------------------------------------------------------------------------

PortPool& PortPool::process() {
  static std::atomic<PortPool*> built{nullptr};
  if (auto* pool = built.load(std::memory_order_acquire)) return *pool;
  checkEnvironment();  // which may isolate this process, by a child, and thus not under NoFork
  const platform::NoFork noFork;  // a child forked meanwhile would wait for it to be built for ever
  static auto& pool = []() -> PortPool& {
    leakPolicy();  // a fault in its variable stops the run here, with the others
    const auto options = optionsFromEnvironment();
    auto& process = *new PortPool(getServerTCPPorts(), options);
    if (options.verbose) logUse(process);
    return process;
  }();
  built.store(&pool, std::memory_order_release);
  return pool;
}

bool processHasPorts() noexcept {
  const platform::CoreLock lock;
  return countedProcess == platform::currentProcess() && portsOfProcess > 0;
}

PortPool::PortPool(const PortSet& ports) : PortPool(ports, PortPoolOptions{}) {}

PortPool::PortPool(const PortSet& ports, const PortPoolOptions& options)
    : share_(new Share{std::make_shared<Impl>(ports, options)}) {}

PortPool::Impl& PortPool::impl() const noexcept { return *share_->impl; }

PortPool::~PortPool() = default;

TCPPortOwner PortPool::allocate(const PortRequest& request) {
  return TCPPortOwner(detail::Pimpl(impl().allocate(request, 1, false).front().release()));
}

std::vector<TCPPortOwner> PortPool::allocateSeveral(std::size_t count, const PortRequest& request) {
  return Impl::owning(impl().allocate(request, count, false));
}

std::vector<TCPPortOwner> PortPool::allocateBlock(std::size_t count, const PortRequest& request) {
  return Impl::owning(impl().allocate(request, count, true));
}

const PortSet& PortPool::ports() const noexcept { return impl().ports(); }
std::uint64_t PortPool::seed() const noexcept { return impl().seed(); }
PortPoolStatistics PortPool::statistics() const { return impl().statistics(); }

// ---- PortPool::Impl -----------------------------------------------------------------------------

PortPool::Impl::Impl(PortSet ports, const PortPoolOptions& options)
    : ports_(ports.empty()
                 ? throw PortSpecificationError(
                       "a PortPool needs at least one port; give it a set like 20000-20999")
                 : std::move(ports)),
      seed_(options.seed ? *options.seed : platform::randomNumber()),
      waitTime_(std::clamp(options.waitTime, milliseconds::zero(), kLongestWait)),
      verbose_(options.verbose),
      hold_(options.hold),
      registry_(platform::makeLeaseRegistry()),
      line_(*registry_, ports_),
      table_(ports_, seed_),
      statistics_{ports_.size(), 0, 0, 0} {}

std::vector<TCPPortOwner> PortPool::Impl::owning(Allocations allocations) {
  std::vector<TCPPortOwner> owners;
  owners.reserve(allocations.size());
  for (auto& allocation : allocations) {
    owners.push_back(TCPPortOwner(detail::Pimpl(allocation.release())));
  }
  return owners;
}

std::shared_ptr<const PortRequest> PortPool::Impl::completed(const PortRequest& request) const {
  const bool isHeldByDefault =
      hold_ && request.hold == Hold::None && request.transport != Transport::UDP;
  const auto hold = isHeldByDefault ? Hold::Shared : request.hold;
  if (hold != Hold::None && request.transport == Transport::UDP) {
    throw PortSpecificationError(
        "a UDP port cannot be held, since the hold would take the server's datagrams; ask for "
        "Hold::None");
  }
  const auto* whyNoHolds = hold == Hold::None ? nullptr : platform::whyNoHolds();
  if (whyNoHolds != nullptr) throw PortPoolError(whyNoHolds);
  // The default request, which is most often the one, is never destroyed, so it needs no copy.
  const bool isDefault = &request == &detail::defaultRequest() && !isHeldByDefault;
  if (isDefault) return {std::shared_ptr<void>(), &request};
  auto completed = std::make_shared<PortRequest>(request);
  completed->hold = hold;
  return completed;
}

void PortPool::Impl::checkShape(const PortRequest& request, std::size_t count, bool isBlock) {
  const BlockShape shape{count, request.distance, request.multipleOf};
  if (request.distance == 0 || request.multipleOf == 0 ||
      (!isBlock && count > 1 && !shape.isRun()) || (count == 1 && request.distance != 1)) {
    throw PortSpecificationError(
        "a PortRequest's distance is between the ports of a block of two or more, and its "
        "multipleOf the number that divides the first one; neither is 0, and a set has neither: "
        "ask for a block (getNextAvailableTCPPortBlock)");
  }
  const bool hasShape = isBlock || !shape.isRun();
  const auto isThere = [&](const PortTable& table) {
    constexpr auto kOfThisPool = ~PortTable::bit(PortTable::State::Absent);
    return count <= PortTable::kPorts && table.findBlock(shape, 0, kOfThisPool).has_value();
  };
  if (count > 0 && (hasShape ? withTable(isThere) : count == 1 || count <= ports_.size())) return;
  throw PortSpecificationError(
      "a " + kindOf(request, count, isBlock) + " is requested from a pool of " +
      portCount(ports_.size()) + " that has none (" + listed(ports_) + "); ask for " +
      (count == 0 ? "at least one port" : "fewer ports, or allow more (PORTPOOL_PORTS)"));
}

Allocations PortPool::Impl::allocate(const PortRequest& request, std::size_t count, bool isBlock) {
  checkShape(request, count, isBlock);
  PortSearch search(*this, completed(request), count, isBlock);
  Allocations allocations;
  if (!line_.isAnyoneWaiting()) allocations = search.look(PortSearch::Reach::Fresh);
  if (allocations.empty()) {
    search.checkHosts();
    allocations = PortWait(*this, search).run();
  }
  withTable([&](PortTable& /*table*/) {
    statistics_.allocated += count;
    statistics_.peak = std::max(statistics_.peak, statistics_.allocated);
    statistics_.lifetimeTotal += count;
    portsOfProcess = (countedProcess == process_ ? portsOfProcess : 0) + count;
    countedProcess = process_;
  });
  for (const auto& allocation : allocations) allocation->handOut();
  for (const auto& allocation : allocations) {
    if (verbose_) log(portTitle(allocation->port(), allocation->request().name) + " handed out");
  }
  return allocations;
}

void PortPool::Impl::takeBack(const detail::Allocation& allocation) noexcept {
  const auto port = allocation.port();
  const bool wasHandedOut = allocation.isHandedOut();
  withTable([&](PortTable& table) {
    table.put(port, PortTable::State::Returned);
    if (!wasHandedOut) return;
    --statistics_.allocated;
    --portsOfProcess;
  });
  if (!wasHandedOut) return;
  line_.wakeFront(port);
  if (!verbose_) return;
  try {
    log(portTitle(port, allocation.request().name) + " returned");
  } catch (const std::bad_alloc&) {
    return;  // what is not logged is no harm
  }
}

void PortPool::Impl::noticeFork() noexcept {
  if (process_ == platform::currentProcess()) return;
  process_ = platform::currentProcess();
  table_.leaveTakenToParent();
  statistics_ = {ports_.size(), 0, 0, 0};
}

void PortPool::Impl::markReturned(std::uint16_t port) {
  using State = PortTable::State;
  withTable([&](PortTable& table) {
    const bool isElsewhere = table.state(port) == State::Leased || table.state(port) == State::Busy;
    if (isElsewhere && table.take(port)) table.put(port, State::Returned);
  });
}

PortPoolStatistics PortPool::Impl::statistics() {
  return withTable([&](const PortTable& /*table*/) { return statistics_; });
}

// ---- Allocation ---------------------------------------------------------------------------------

detail::Allocation::Allocation(std::shared_ptr<PortPool::Impl> pool,
                               std::shared_ptr<const PortRequest> request, std::uint16_t port,
                               std::unique_ptr<platform::Lease> lease,
                               std::vector<platform::PrivateSocket> hold) noexcept
    : pool_(std::move(pool)),
      request_(std::move(request)),
      port_(port),
      lease_(std::move(lease)),
      hold_(std::move(hold)) {}

detail::Allocation::~Allocation() {
  if (!isOfThisProcess()) return;
  hold_.clear();
  lease_.reset();  // before another thread can be given the port
  pool_->takeBack(*this);
}

const std::vector<platform::PrivateSocket>& detail::Allocation::hold() const {
  return isOfThisProcess() ? hold_ : kNoHold;
}

}  // namespace portpool
