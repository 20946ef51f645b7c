#include "port_wait.hpp"

#include "descriptions.hpp"
#include "environment.hpp"
#include "platform/process.hpp"
#include "run_start.hpp"
#include "text.hpp"

#include <portpool/errors.hpp>

#include <algorithm>

namespace portpool {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kShortestWait{100}, kReportAfter{1000};
// Programs that only list their tests give up after some seconds.
constexpr milliseconds kLongestWaitBeforeRun{2000};

// The pauses between looks at the front grow: a port that was returned before others noticed this
// waiter comes with no message, nor does a port whose holder was killed.
constexpr milliseconds kFirstPause{1}, kLongestPause{20}, kLongestPauseWithoutMessages{2};
constexpr milliseconds kPauseElsewhere{500};
// The pause after a look, in times of its cost: looking takes a small share of a processor.
constexpr int kPauseInLooks = 50, kPauseInLooksElsewhere = 2000;
constexpr milliseconds kLongestPauseInLooks{2000}, kLongestPauseInLooksElsewhere{10000};

}  // namespace

PortWait::PortWait(PortPool::Impl& pool, PortSearch& search)
    : pool_(pool),
      search_(search),
      time_(isBeforeRun() ? std::min(pool.waitTime(), kLongestWaitBeforeRun) : pool.waitTime()),
      deadline_(start_ + std::max(time_, kShortestWait)),
      place_(pool.line()) {}

Allocations PortWait::run() {
  for (;;) {
    const auto now = Clock::now();
    const bool isLast = now >= deadline_;
    const bool wasAtFront = isAtFront();
    if (place_.advance(now) && !wasAtFront) {
      pause_ = kFirstPause;
      nextLook_ = now;
    }
    auto allocations = look(now, isLast);
    if (!allocations.empty()) return allocations;
    if (isLast) throwTimeIsUp();
    sleep(now);
  }
}

Allocations PortWait::look(Clock::time_point now, bool isLast) {
  if (!isLast && now < nextLook()) {
    if (!isPortReturned_ || !isAtFront()) return {};
    isPortReturned_ = false;
    return search_.look(PortSearch::Reach::Fresh);
  }
  isPortReturned_ = false;
  const auto used = platform::threadTime();
  auto allocations = search_.look(PortSearch::Reach::Everything);
  if (!allocations.empty()) return allocations;
  if (pool_.ports().size() - search_.forbidden().size() < search_.count()) throwForbidden();
  const auto cost = platform::threadTime() - used;
  if (!isLast) report(now);
  if (!isAtFront()) {
    nextLook_ = now + std::clamp<Clock::duration>(cost * kPauseInLooksElsewhere, kPauseElsewhere,
                                                  kLongestPauseInLooksElsewhere);
    return allocations;
  }
  nextLook_ = now + std::clamp<Clock::duration>(cost * kPauseInLooks, pause_, kLongestPauseInLooks);
  const bool hasMessages = pool_.registry().hasMessages();
  pause_ = std::min<Clock::duration>(2 * pause_,
                                     hasMessages ? kLongestPause : kLongestPauseWithoutMessages);
  if (search_.arePortsLeft()) place_.takeTurn(now);
  return allocations;
}

PortWait::Clock::time_point PortWait::nextLook() const {
  return std::max(nextLook_, place_.looksFrom());
}

void PortWait::sleep(Clock::time_point now) {
  const auto until = std::min({deadline_, place_.nextAdvance(now), nextLook()});
  for (auto port = place_.await(until); port; port = place_.await(now)) {
    if (*port == 0) continue;
    pool_.markReturned(*port);
    isPortReturned_ = true;
  }
}

void PortWait::report(Clock::time_point now) {
  if (isReported_ || now < start_ + kReportAfter) return;
  isReported_ = true;
  log("waiting for a " + search_.describe() + ", up to " + inSeconds(time_) + "; " + whyNot());
}

std::string PortWait::whyNot() const {
  auto users = describeHolders(pool_.ports(), search_.count() == 1);
  if (search_.forbidden().empty()) return users;
  return users + "; some of them this user may not bind (net.ipv4.ip_unprivileged_port_start)";
}

void PortWait::throwTimeIsUp() const {
  throw NoPortAvailableError("no " + search_.describe() + " became free in " + inSeconds(time_) +
                             "; " + whyNot() +
                             ". Return ports earlier, run fewer tests at a time, allow more ports "
                             "(PORTPOOL_PORTS), or wait longer (PORTPOOL_WAIT_SECONDS)");
}

void PortWait::throwForbidden() const {
  const std::string which =
      search_.forbidden().size() == pool_.ports().size() ? "any port" : "most of the ports";
  throw NoPortAvailableError(
      "this user may not bind " + which + " of the pool (" + listed(pool_.ports()) +
      "), so it has no " + search_.describe() +
      "; allow ports of 1024 and more (PORTPOOL_PORTS), lower the system's limit (sysctl "
      "net.ipv4.ip_unprivileged_port_start), or look for a sandbox or a security module that "
      "forbids bind");
}

}  // namespace portpool
