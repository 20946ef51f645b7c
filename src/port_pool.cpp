#include <portpool/port_pool.hpp>

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

constexpr std::size_t kSmallPool = 16384;
constexpr milliseconds kLongestWait = std::chrono::hours(24 * 365);  // that a clock can add

std::atomic<PortPool*> processPool{nullptr};  // as soon as it is built

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

/// Logs what is needed to repeat the order of the ports, and at exit what the pool has done.
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

/// How many ports this process has taken from all of its pools. A forked child begins anew.
class TakenPorts {
 public:
  void add(int change) noexcept {
    const auto difference = static_cast<std::uint64_t>(change);  // modulo 2^64
    auto before = state_.load();
    while (!state_.compare_exchange_weak(before, thisProcess() + countIn(before) + difference)) {
    }
  }
  std::uint64_t count() const noexcept { return countIn(state_); }

 private:
  static constexpr int kCountBits = 32;

  static std::uint64_t thisProcess() noexcept { return platform::currentProcess() << kCountBits; }
  static std::uint64_t countIn(std::uint64_t state) noexcept {
    return state >> kCountBits == thisProcess() >> kCountBits ? state - thisProcess() : 0;
  }

  std::atomic<std::uint64_t> state_{0};  // above the count, the process in which it was counted
};

TakenPorts takenPorts;

}  // namespace

// ---- PortPool -----------------------------------------------------------------------------------

PortPool& PortPool::process() {
  if (auto* pool = processPool.load(std::memory_order_acquire)) return *pool;
  const platform::NoFork noFork;  // a child forked meanwhile would wait for it to be built for ever
  static auto& pool = []() -> PortPool& {
    checkEnvironment();
    leakPolicy();  // a fault in its variable stops the run here, with the others
    const auto options = optionsFromEnvironment();
    auto& process = *new PortPool(getServerTCPPorts(), options);
    if (options.verbose) logUse(process);
    return process;
  }();
  processPool.store(&pool, std::memory_order_release);
  return pool;
}

bool processHasPorts() noexcept { return takenPorts.count() > 0; }

PortPool::PortPool(const PortSet& ports) : PortPool(ports, PortPoolOptions{}) {}

PortPool::PortPool(const PortSet& ports, const PortPoolOptions& options)
    : share_(new Share{std::make_shared<Impl>(ports, options)}) {}

PortPool::Impl& PortPool::impl() const noexcept { return *share_->impl; }

PortPool::~PortPool() = default;

TCPPortOwner PortPool::allocate(const PortRequest& request) {
  return TCPPortOwner(detail::Pimpl(impl().allocate(request, 1).front().release()));
}

std::vector<TCPPortOwner> PortPool::allocateSeveral(std::size_t count, const PortRequest& request) {
  return Impl::owning(impl().allocate(request, count));
}

std::vector<TCPPortOwner> PortPool::allocateBlock(std::size_t count, const PortRequest& request) {
  return Impl::owning(impl().allocateBlock(request, count));
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
      isSmall_(ports_.size() <= kSmallPool),
      table_(ports_, seed_),
      statistics_{ports_.size(), 0, 0, 0},
      isCrowded_(isSmall_) {
  static std::atomic<bool> isSaid{false};
  if (registry_->isOneOfTwo() && !isSaid.exchange(true)) {
    warn(
        "the system refuses this process the AF_UNIX names that leases are made of; it leases with "
        "a lock file in /tmp, and keeps its TCP ports bound, so that processes with the usual "
        "leases see them. Servers must set SO_REUSEADDR. Allow AF_UNIX sockets to get the usual "
        "leases");
  }
}

Allocations PortPool::Impl::allocate(const PortRequest& request, std::size_t count) {
  if (count == 0 || count > ports_.size()) {
    throw PortSpecificationError(portCount(count) + (count == 1 ? " is" : " are") +
                                 " requested from a pool of " + portCount(ports_.size()) +
                                 (count == 0 ? "; ask for at least one"
                                             : "; ask for fewer, or allow more (PORTPOOL_PORTS)"));
  }
  PortSearch search(shared_from_this(), completed(request), count, false);
  return handOut(search);
}

Allocations PortPool::Impl::allocateBlock(const PortRequest& request, std::size_t count) {
  auto longest = ports_.ranges().front();
  for (const auto& range : ports_.ranges()) {
    if (range.last - range.first > longest.last - longest.first) longest = range;
  }
  const auto length = longest.last - longest.first + std::size_t{1};
  if (count == 0 || count > length) {
    throw PortSpecificationError(
        "a block of " + std::to_string(count) +
        " consecutive ports is requested from a pool whose longest run is " +
        PortSet{longest}.toString() + ", " + portCount(length) +
        (count == 0 ? "; ask for at least one"
                    : "; ask for fewer, or allow a longer run (PORTPOOL_PORTS)"));
  }
  PortSearch search(shared_from_this(), completed(request), count, true);
  return handOut(search);
}

std::vector<TCPPortOwner> PortPool::Impl::owning(Allocations allocations) {
  std::vector<TCPPortOwner> owners;
  owners.reserve(allocations.size());
  for (auto& allocation : allocations) {
    owners.push_back(TCPPortOwner(detail::Pimpl(allocation.release())));
  }
  return owners;
}

PortRequest PortPool::Impl::completed(PortRequest request) const {
  if (request.transport == Transport::UDP) {
    if (request.hold != Hold::None) {
      throw PortSpecificationError(
          "a UDP port cannot be held, since the hold would take the server's datagrams; ask for "
          "Hold::None");
    }
  } else if (request.hold == Hold::None && (hold_ || registry_->isOneOfTwo())) {
    request.hold = Hold::Shared;
  }
  if (request.hold == Hold::None) return request;
  if (const auto* why = platform::whyNoHolds(); why != nullptr) throw PortPoolError(why);
  return request;
}

Allocations PortPool::Impl::handOut(PortSearch& search) {
  Allocations allocations;
  const bool othersFirst =
      waitTime_ > milliseconds::zero() && isCrowded_ && line_.isAnyoneWaiting();
  if (!othersFirst) allocations = search.look(PortSearch::Reach::Fresh);
  if (allocations.empty()) {
    search.checkHosts();
    allocations = PortWait(*this, search).run();
  }
  withTable([&](PortTable& table) {
    for (const auto& allocation : allocations) table.handOut(allocation->port());
    statistics_.peak = std::max(statistics_.peak, table.count(PortTable::State::Owned));
    statistics_.lifetimeTotal += allocations.size();
  });
  if (verbose_) {
    for (const auto& allocation : allocations) {
      log(portTitle(allocation->port(), allocation->request().name) + " handed out");
    }
  }
  return allocations;
}

void PortPool::Impl::takeBack(const detail::Allocation& allocation) noexcept {
  const auto port = allocation.port();
  const bool wasHandedOut = withTable([&](PortTable& table) {
    const bool isOwned = table.state(port) == PortTable::State::Owned;
    table.put(port, PortTable::State::Returned);
    return isOwned;
  });
  if (!wasHandedOut) return;
  line_.wakeFirst(port);
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

void PortPool::Impl::expect(std::uint16_t port) {
  withTable([&](PortTable& table) { table.expect(port); });
}

PortPoolStatistics PortPool::Impl::statistics() {
  return withTable([&](const PortTable& table) {
    auto statistics = statistics_;
    statistics.allocated = table.count(PortTable::State::Owned);
    return statistics;
  });
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
      hold_(std::move(hold)) {
  takenPorts.add(1);
}

detail::Allocation::~Allocation() {
  if (!isOfThisProcess()) return;
  takenPorts.add(-1);
  hold_.clear();
  lease_.reset();  // before another thread can be given the port
  pool_->takeBack(*this);
}

const std::vector<platform::PrivateSocket>& detail::Allocation::hold() const {
  return isOfThisProcess() ? hold_ : kNoHold;
}

}  // namespace portpool
