#include <portpool/port_pool.hpp>

#include "environment.hpp"
#include "leaks.hpp"
#include "port_pool_impl.hpp"
#include "port_search.hpp"
#include "text.hpp"

#include <portpool/errors.hpp>
#include <portpool/server_ports.hpp>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <limits>
#include <map>
#include <sstream>
#include <utility>

namespace portpool {
namespace {

using std::chrono::milliseconds;

const std::vector<platform::PrivateSocket> kNoHold;

constexpr std::size_t kSmallPool = 16384;
constexpr milliseconds kReportAfter{1000}, kReportFromBehind{10000};
constexpr milliseconds kLongestWait = std::chrono::hours(24 * 365);  // that a clock can add

// How long to sleep between two looks, unless somebody tells that a port came back: a holder that
// was killed tells nobody. Where there are no messages, each look is for whatever has come back.
constexpr milliseconds kLookAgain{20}, kLookAgainWithoutMessages{2}, kLookFromOutside{500};
// A look at thousands of ports takes its time; it may take so much of one processor's.
constexpr int kPauseInTimesOfALook = 50, kPauseInTimesOfALookFromOutside = 2000;
constexpr milliseconds kLongestPause{2000}, kLongestPauseOutside{10000};
// What a child has copies of at its start is still leased for so long.
constexpr milliseconds kGrace{20};

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

std::string inSeconds(milliseconds time) {
  std::ostringstream text;
  text << static_cast<double>(time.count()) / 1000 << " s";
  return text.str();
}

/// A list of ports for a message.
std::string listed(const PortSet& ports) {
  constexpr std::size_t kLongest = 120;
  return printable(ports.toString(), kLongest);
}

std::string portCount(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " port" : " ports");
}

/// Logs what is needed to repeat the order of the ports, and at exit what the pool has done.
void logUse(const PortPool& pool) {
  static std::uint64_t process = 0;
  process = platform::currentProcess();
  say("seed " + std::to_string(pool.seed()) + " (PORTPOOL_SEED) for " +
      portCount(pool.ports().size()) + ": " + listed(pool.ports()));
  std::atexit([] {
    if (process != platform::currentProcess()) return;
    const auto statistics = PortPool::process().statistics();
    say(portCount(statistics.lifetimeTotal) + " handed out in all, at most " +
        std::to_string(statistics.peak) + " at a time, " + std::to_string(statistics.allocated) +
        " of them never returned");
  });
}

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

bool processHasPorts() {
  const auto* pool = processPool.load(std::memory_order_acquire);
  return pool != nullptr && pool->statistics().allocated > 0;
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
        "the system refuses this process the AF_UNIX names that leases are made of; it leases by a "
        "lock file in /tmp, and keeps its TCP ports bound, so that processes with the usual leases "
        "see them. Servers must set SO_REUSEADDR. Allow AF_UNIX sockets to have the usual leases");
  }
}

Allocations PortPool::Impl::allocate(const PortRequest& request, std::size_t count) {
  if (count == 0 || count > ports_.size()) {
    throw PortSpecificationError(portCount(count) + (count == 1 ? " is" : " are") +
                                 " asked of a pool of " + portCount(ports_.size()) +
                                 (count == 0 ? "; ask for one at least"
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
    throw PortSpecificationError("a block of " + std::to_string(count) +
                                 " consecutive ports is asked of a pool whose longest run is " +
                                 PortSet{longest}.toString() + ", " + portCount(length) +
                                 (count == 0
                                      ? "; ask for one at least"
                                      : "; ask for fewer, or allow a longer run (PORTPOOL_PORTS)"));
  }
  PortSearch search(shared_from_this(), completed(request), count, true);
  return handOut(search);
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
  return request;
}

Allocations PortPool::Impl::handOut(PortSearch& search) {
  Allocations allocations;
  const bool othersFirst =
      waitTime_ > milliseconds::zero() && isCrowded_ && line_.isAnyoneWaiting();
  if (!othersFirst) allocations = search.look(PortSearch::Reach::Fresh);
  if (allocations.empty()) {
    search.checkHosts();
    allocations = wait(search);
  }
  withTable([&](const PortTable&) {
    statistics_.allocated += allocations.size();
    statistics_.peak = std::max(statistics_.peak, statistics_.allocated);
    statistics_.lifetimeTotal += allocations.size();
    for (const auto& allocation : allocations) allocation->handOut();
  });
  if (verbose_) {
    for (const auto& allocation : allocations) {
      say(portTitle(allocation->port(), allocation->request().name) + " handed out");
    }
  }
  return allocations;
}

void PortPool::Impl::takeBack(const detail::Allocation& allocation) noexcept {
  const auto port = allocation.port();
  const bool wasHandedOut = allocation.isHandedOut();
  withTable([&](PortTable& table) {
    table.put(port, PortTable::State::Returned);
    if (wasHandedOut) --statistics_.allocated;
  });
  if (!wasHandedOut) return;
  line_.wakeFirst(port);
  if (!verbose_) return;
  try {
    say(portTitle(port, allocation.request().name) + " returned");
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

PortPoolStatistics PortPool::Impl::statistics() {
  return withTable([&](const PortTable&) { return statistics_; });
}

Allocations PortPool::Impl::wait(PortSearch& search) {
  using Standing = PlaceInLine::Standing;
  const auto start = Clock::now();
  const auto deadline =
      start + std::max(waitTime_, search.wasRefusedALease() ? kGrace : milliseconds::zero());
  PlaceInLine place(line_, search.leftSomething());
  auto nextLook = start + kLookFromOutside;  // one look is over
  auto lookOnce = start;
  std::optional<Standing> before;
  std::optional<std::uint16_t> returned;
  bool isReported = false;

  for (;;) {
    const auto now = Clock::now();
    const bool isLast = now >= deadline;
    if (!isLast) place.advance(now);
    const auto standing = place.standing();
    if (standing == Standing::First && before != standing) {
      nextLook = now;
      lookOnce = now + 2 * WaitingLine::kNoticedAfter;  // what came back before that was noticed
    }
    before = standing;
    const bool isTime =
        standing == Standing::BehindStopped || (standing != Standing::Behind && now >= nextLook);
    Allocations allocations;
    if (isLast || isTime) {
      const auto used = platform::threadTime();
      allocations = search.look(PortSearch::Reach::Everything);
      const auto cost = platform::threadTime() - used;
      if (allocations.empty()) {
        if (ports_.size() - search.forbidden().size() < search.count()) throwForbidden(search);
        place.lookedInVain(now, search.leftSomething());
      }
      nextLook = now + pauseAfter(cost, standing != Standing::First);
      if (now < lookOnce) nextLook = std::min(nextLook, lookOnce);
      if (search.wasRefusedALease() && now < start + kGrace)
        nextLook = std::min(nextLook, now + kGrace / 10 + 10 * cost);
    } else if (standing == Standing::First && returned.value_or(0) != 0) {
      allocations = search.look(PortSearch::Reach::Fresh);
    }
    if (!allocations.empty()) {
      if (standing == Standing::BehindStopped) line_.ignore();
      return allocations;
    }
    if (isLast) {
      place.giveUp(now);
      throwTimeIsUp(search);
    }
    // The first says it for all, unless they wait for long.
    const bool saysIt = standing == Standing::First || standing == Standing::Resting;
    const auto reportAt = start + (saysIt ? kReportAfter : kReportFromBehind);
    if (!isReported && now >= reportAt) {
      isReported = true;
      say("waiting for a " + search.describe() + ", up to " + inSeconds(waitTime_) + "; " +
          describeUsers(search));
    }
    auto until = std::min(deadline, place.nextAdvance(now));
    if (standing != Standing::Behind) until = std::min(until, nextLook);
    if (!isReported) until = std::min(until, std::max(now, reportAt));
    returned = place.await(until);
    if (returned) withTable([&](PortTable& table) { table.expect(*returned); });
  }
}

std::chrono::nanoseconds PortPool::Impl::pauseAfter(std::chrono::nanoseconds look,
                                                    bool isOutside) const {
  const milliseconds least = isOutside                  ? kLookFromOutside
                             : registry_->hasMessages() ? kLookAgain
                                                        : kLookAgainWithoutMessages;
  const auto times = isOutside ? kPauseInTimesOfALookFromOutside : kPauseInTimesOfALook;
  return std::clamp<std::chrono::nanoseconds>(look * times, least,
                                              isOutside ? kLongestPauseOutside : kLongestPause);
}

void PortPool::Impl::throwTimeIsUp(const PortSearch& search) const {
  throw NoPortAvailableError("no " + search.describe() + " became free in " + inSeconds(waitTime_) +
                             "; " + describeUsers(search) +
                             ". Return ports earlier, run fewer tests at a time, allow more ports "
                             "(PORTPOOL_PORTS), or wait longer (PORTPOOL_WAIT_SECONDS)");
}

void PortPool::Impl::throwForbidden(const PortSearch& search) const {
  const std::string which =
      search.forbidden().size() == ports_.size() ? "any port" : "most of the ports";
  throw NoPortAvailableError(
      "this user may not bind " + which + " of the pool (" + listed(ports_) +
      "), so that it has no " + search.describe() +
      "; allow ports of 1024 and more (PORTPOOL_PORTS), lower the system's limit (sysctl "
      "net.ipv4.ip_unprivileged_port_start), or look for a sandbox or a security module that "
      "forbids bind");
}

std::string PortPool::Impl::describeUsers(const PortSearch& search) const {
  constexpr std::size_t kMost = 20;
  std::ostringstream text;
  // Several ports can be too many though some are free.
  const bool isEveryPortTaken = search.count() == 1;
  text << (isEveryPortTaken ? (ports_.size() == 1 ? "the only " : "all ") : "of the ");
  if (ports_.size() != 1) text << ports_.size() << ' ';
  text << (ports_.size() == 1 ? "port" : "ports") << " of the pool (" << listed(ports_) << ") "
       << (ports_.size() == 1 ? "is taken" : "are taken");
  const auto known = platform::usersOfPorts(ports_, platform::UserSearch::SocketsAndLeases);
  if (!known) return text.str() + "; by whom is not known: the system does not show its sockets";

  std::map<std::string, PortSet> users;
  PortSet explained;
  for (const auto& user : *known) {
    const bool lingers = user.use == platform::PortUser::Use::Lingers;
    users[lingers ? "connections in TIME_WAIT or the like" : user.process].insert(user.port);
    explained.insert(user.port);
  }
  if (isEveryPortTaken) {
    if (const auto rest = ports_ - explained; !rest.empty()) {
      users["no process that the system shows"] = rest;
    }
  }
  std::size_t told = 0;
  for (const auto& [user, ports] : users) {
    if (told++ == kMost) {
      text << "; and " << users.size() - kMost << " other users";
      break;
    }
    text << (told == 1 ? ": " : "; ") << listed(ports) << " by " << user;
  }
  if (!search.forbidden().empty()) {
    text << "; some of them this user may not bind (net.ipv4.ip_unprivileged_port_start)";
  }
  return text.str();
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
