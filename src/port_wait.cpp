#include "port_wait.hpp"

#include "environment.hpp"
#include "platform/process.hpp"
#include "text.hpp"

#include <portpool/errors.hpp>
#include <portpool/port_users.hpp>

#include <algorithm>
#include <map>
#include <sstream>
#include <thread>
#include <vector>

namespace portpool {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kReportAfter{1000}, kReportFromBehind{10000};

// How long to sleep between two looks, unless somebody tells that a port came back: a holder that
// was killed tells nobody. Where there are no messages, each look is for whatever has come back.
constexpr milliseconds kLookAgain{20}, kLookAgainWithoutMessages{2}, kLookFromOutside{500};
// A look at thousands of ports takes its time; it may take so much of one processor's.
constexpr int kPauseInTimesOfALook = 50, kPauseInTimesOfALookFromOutside = 2000,
              kPauseInTimesOfALookAside = 200;
constexpr milliseconds kLongestPause{2000}, kLongestPauseOutside{10000};
// What a child has copies of at its start is still leased for so long.
constexpr milliseconds kGrace{20};
// Another thread, without a processor for a while, may be trying a port for so long.
constexpr milliseconds kLongestTrial{2000}, kBetweenTrials{1};

std::string inSeconds(milliseconds time) {
  std::ostringstream text;
  text << static_cast<double>(time.count()) / 1000 << " s";
  return text.str();
}

}  // namespace

PortWait::PortWait(PortPool::Impl& pool, PortSearch& search)
    : pool_(pool),
      search_(search),
      deadline_(std::max(search.deadline(),
                         search.mayBeCopied() ? start_ + kGrace : Clock::time_point())),
      place_(pool.line(), search.leftSomething()),
      lineOfItsKind_(pool.registry(), pool.ports(), search.kind()),
      nextLook_(start_ + kLookFromOutside) {}

Allocations PortWait::run() {
  for (;;) {
    const auto now = Clock::now();
    const bool isLast = now >= deadline_;
    if (!isLast) {
      const bool wasFirst = standing_ == Standing::First;
      if (place_.advance(now) && !wasFirst) {
        nextLook_ = now;
        lookOnce_ = now + 2 * WaitingLine::kNoticedAfter;  // what came back before that was noticed
      }
      standing_ = place_.standing();
      mayLookAside_ = isFirstOfItsKind(now) && standing_ == Standing::Behind;
    }
    if (isLast) search_.rememberTried();
    auto allocations = look(now, isLast);
    if (isLast && allocations.empty()) allocations = lookAtMissed();
    if (!allocations.empty()) {
      if (standing_ == Standing::BehindStopped) pool_.line().ignore();
      return allocations;
    }
    if (isLast) {
      place_.giveUp(now);
      throwTimeIsUp();
    }
    report(now);
    auto until = std::min(deadline_, place_.nextAdvance(now));
    if (standing_ != Standing::Behind || mayLookAside_) {
      until = std::min(until, nextLook_);
    }
    if (!isReported_) until = std::min(until, reportAt());
    returned_ = place_.await(until);
    if (returned_) pool_.expect(*returned_);
  }
}

Allocations PortWait::look(Clock::time_point now, bool isLast) {
  if (!isLast && standing_ == Standing::Behind) return lookAside(now);
  const bool isTime = standing_ == Standing::BehindStopped || now >= nextLook_;
  if (!isLast && !isTime) {
    const bool isCalled = standing_ == Standing::First && returned_.value_or(0) != 0;
    return isCalled ? search_.look(PortSearch::Reach::Fresh) : Allocations();
  }
  const auto used = platform::threadTime();
  auto allocations = search_.look(PortSearch::Reach::Everything);
  if (!allocations.empty()) return allocations;
  if (pool_.ports().size() - search_.forbidden().size() < search_.count()) throwForbidden();
  nextLook_ = nextLookAfter(now, platform::threadTime() - used);
  place_.lookedInVain(now, search_.leftSomething(), search_.count() > 1);
  return allocations;
}

Allocations PortWait::lookAside(Clock::time_point now) {
  if (now < nextLook_ || !mayLookAside_) return {};
  nextLook_ = now + kLookFromOutside;
  if (pool_.line().arePortsGathering()) return {};
  const auto used = platform::threadTime();
  auto allocations = search_.lookAside();
  const auto cost = platform::threadTime() - used;
  nextLook_ = now + std::max<Clock::duration>(kLookFromOutside, cost * kPauseInTimesOfALookAside);
  return allocations;
}

bool PortWait::isFirstOfItsKind(Clock::time_point now) {
  const bool isInLine = standing_ != Standing::Outside && standing_ != Standing::Resting;
  if (!isInLine || !search_.canLookAside()) {
    placeInItsKind_.reset();
    return false;
  }
  if (!placeInItsKind_) placeInItsKind_.emplace(lineOfItsKind_);
  return placeInItsKind_->advance(now);
}

Allocations PortWait::lookAtMissed() {
  const auto end = Clock::now() + kLongestTrial;
  for (;;) {
    auto allocations = search_.lookAtMissed();
    if (!allocations.empty() || !search_.hasMissed() || Clock::now() >= end) return allocations;
    std::this_thread::sleep_for(kBetweenTrials);
  }
}

PortWait::Clock::time_point PortWait::nextLookAfter(Clock::time_point now,
                                                    std::chrono::nanoseconds cost) const {
  using std::chrono::nanoseconds;
  if (standing_ != Standing::First) {
    return now + std::clamp<nanoseconds>(cost * kPauseInTimesOfALookFromOutside, kLookFromOutside,
                                         kLongestPauseOutside);
  }
  const auto least = pool_.registry().hasMessages() ? kLookAgain : kLookAgainWithoutMessages;
  auto next = now + std::clamp<nanoseconds>(cost * kPauseInTimesOfALook, least, kLongestPause);
  if (now < lookOnce_) next = std::min(next, lookOnce_);
  if (search_.mayBeCopied() && now < start_ + kGrace) {
    next = std::min(next, now + kGrace / 10 + 10 * cost);
  }
  return next;
}

PortWait::Clock::time_point PortWait::reportAt() const {
  const bool reportsSoon = standing_ == Standing::First || standing_ == Standing::Resting;
  return start_ + (reportsSoon ? kReportAfter : kReportFromBehind);
}

void PortWait::report(Clock::time_point now) {
  if (isReported_ || now < reportAt()) return;
  isReported_ = true;
  log("waiting for a " + search_.describe() + ", up to " + inSeconds(search_.waitTime()) + "; " +
      describeUsers());
}

void PortWait::throwTimeIsUp() const {
  throw NoPortAvailableError("no " + search_.describe() + " became free in " +
                             inSeconds(search_.waitTime()) + "; " + describeUsers() +
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

std::string PortWait::describeUsers() const {
  constexpr std::size_t kMost = 20;
  const auto& ports = pool_.ports();
  const auto known = usersOfPorts(ports, UserSearch::SocketsAndLeases);
  std::map<std::string, PortSet> users;
  PortSet explained;
  for (const auto& user : known.value_or(std::vector<PortUser>())) {
    const bool lingers = user.use == PortUser::Use::Lingers;
    users[lingers ? "connections in TIME_WAIT or the like" : user.process()].insert(user.port);
    explained.insert(user.port);
  }
  // Several ports can be too many though some are free.
  const bool isEveryPortTaken = search_.count() == 1 || explained == ports;
  const bool isOnlyOne = ports.size() == 1;
  std::ostringstream text;
  text << (isOnlyOne ? "the only " : isEveryPortTaken ? "all " : "some of the ");
  if (!isOnlyOne) text << ports.size() << ' ';
  text << (isOnlyOne ? "port" : "ports") << " of the pool (" << listed(ports) << ") "
       << (isOnlyOne ? "is taken" : "are taken");
  if (!known) {
    return text.str() + "; it is not known by whom, because the system does not show its sockets";
  }
  if (isEveryPortTaken) {
    if (const auto rest = ports - explained; !rest.empty()) {
      users["no process that the system shows"] = rest;
    }
  }
  std::size_t told = 0;
  for (const auto& [user, used] : users) {
    if (told++ == kMost) {
      text << "; and " << users.size() - kMost << " other users";
      break;
    }
    text << (told == 1 ? ": " : "; ") << listed(used) << " by " << user;
  }
  if (!search_.forbidden().empty()) {
    text << "; some of them this user may not bind (net.ipv4.ip_unprivileged_port_start)";
  }
  return text.str();
}

}  // namespace portpool
