#include <portpool/port_pool.hpp>

#include "environment.hpp"
#include "port_pool_impl.hpp"
#include "waiting_line.hpp"

#include <portpool/errors.hpp>
#include <portpool/server_ports.hpp>

#include <algorithm>
#include <limits>
#include <random>
#include <sstream>
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
  options.verbose = environmentNumber("PORTPOOL_VERBOSE", 1).value_or(0) != 0;
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

}  // namespace

// ---- PortPool -----------------------------------------------------------------------------------

PortPool& PortPool::process() {
  static auto& pool = *new PortPool(getServerTCPPorts(), optionsFromEnvironment());
  return pool;
}

PortPool::PortPool(const PortSet& ports, const PortPoolOptions& options)
    : impl_(std::make_shared<Impl>(ports, options)) {}

PortPool::~PortPool() = default;

TCPPortOwner PortPool::allocate(const PortRequest& request) {
  return TCPPortOwner(impl_->allocate(request));
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
      registry_(platform::makeLeaseRegistry()),
      candidates_(ports_, seed_),
      statistics_{ports_.size(), 0, 0, 0} {
  if (ports_.empty()) {
    throw PortSpecificationError(
        "a PortPool needs at least one port; give it a set like 20000-20999");
  }
}

std::unique_ptr<detail::Allocation> PortPool::Impl::allocate(const PortRequest& request) {
  platform::Probe probe(request);
  auto allocation = tryEveryPort(request, probe, Manners::LetOthersFirst);
  if (!allocation) {
    probe.isFree(0);  // a wrong host is an error at once, even if no port could be probed for it
    allocation = wait(request, probe);
  }
  if (verbose_) say("port " + std::to_string(allocation->port()) + " handed out");
  return allocation;
}

void PortPool::Impl::takeBack(std::uint16_t port) noexcept {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    candidates_.giveBack(port);
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

std::unique_ptr<detail::Allocation> PortPool::Impl::tryEveryPort(const PortRequest& request,
                                                                 platform::Probe& probe,
                                                                 Manners manners) {
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
    if (auto allocation = tryPort(*port, request, probe, Mode::Exclusive)) return allocation;
    lock.lock();
  }

  for (auto left = candidates_.suspects(); left > 0; --left) {
    const auto port = candidates_.nextSuspect();
    if (!port) break;
    lock.unlock();
    if (auto allocation = tryPort(*port, request, probe, Mode::Exclusive)) return allocation;
    lock.lock();
  }
  lock.unlock();

  if (!request.avoidTimeWait) {
    for (const auto port : platform::portsInTimeWait()) {
      lock.lock();
      const bool isSuspect = candidates_.takeSuspect(port);
      lock.unlock();
      if (!isSuspect) continue;
      if (auto allocation = tryPort(port, request, probe, Mode::BesidesTimeWait)) return allocation;
    }
  }
  return nullptr;
}

std::unique_ptr<detail::Allocation> PortPool::Impl::tryPort(std::uint16_t port,
                                                            const PortRequest& request,
                                                            platform::Probe& probe,
                                                            platform::Probe::Mode mode) {
  try {
    // The lease first: a probe of a port that somebody else leases could break his own bind.
    auto lease = registry_->tryAcquire(port);
    if (lease && probe.isFree(port, mode)) {
      auto allocation =
          std::make_unique<detail::Allocation>(shared_from_this(), request, port, std::move(lease));
      const std::lock_guard<std::mutex> lock(mutex_);
      statistics_.peak = std::max(statistics_.peak, ++statistics_.allocated);
      ++statistics_.lifetimeTotal;
      return allocation;
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

std::unique_ptr<detail::Allocation> PortPool::Impl::wait(const PortRequest& request,
                                                         platform::Probe& probe) {
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
      if (auto allocation = tryEveryPort(request, probe, Manners::InLine)) return allocation;
      nextLook = now + kLookFromBehind;
    }
    // A look at thousands of busy ports takes its time; it may take half of one processor's.
    pause = std::max<Clock::duration>(kPollInterval, Clock::now() - now);

    if (now >= deadline) {
      throw NoPortAvailableError("no TCP port became free in " + inSeconds(waitTime_) + "; " +
                                 describeUsers() +
                                 ". Return ports earlier, run fewer tests at a time, allow more "
                                 "ports (PORTPOOL_PORTS), or "
                                 "wait longer (PORTPOOL_WAIT_SECONDS)");
    }
    if (!isReported && now - start >= kReportAfter) {
      isReported = true;
      say("waiting for a TCP port, up to " + inSeconds(waitTime_) + "; " + describeUsers());
    }
  }
}

std::string PortPool::Impl::describeUsers() const {
  constexpr std::size_t kMost = 20;
  std::ostringstream text;
  text << "all " << ports_.size() << " ports of the pool (" << shortened(ports_.toString())
       << ") are taken";
  const auto users = platform::usersOfPorts(ports_);
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

detail::Allocation::Allocation(std::shared_ptr<PortPool::Impl> pool, PortRequest request,
                               std::uint16_t port, std::unique_ptr<platform::Lease> lease)
    : pool_(std::move(pool)), request_(std::move(request)), port_(port), lease_(std::move(lease)) {}

detail::Allocation::~Allocation() {
  lease_.reset();  // before another thread can be given the port
  pool_->takeBack(port_);
}

}  // namespace portpool
