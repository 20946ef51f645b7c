#include "waiting_line.hpp"

#include <algorithm>
#include <thread>
#include <utility>

namespace portpool {
namespace {

/// The keys above those of the ports, by all of the set's ports and the kind. Two that share a line
/// would keep each other waiting: there are four million lines.
std::uint64_t firstKeyOf(const PortSet& ports, const std::string& kind, std::uint64_t places) {
  constexpr std::uint64_t kLines = std::uint64_t{1} << 22, kPrime = 0x100000001b3;  // of FNV-1a
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const auto& range : ports.ranges()) {
    hash = (hash ^ range.first) * kPrime;
    hash = (hash ^ range.last) * kPrime;
  }
  for (const char c : kind) hash = (hash ^ static_cast<unsigned char>(c)) * kPrime;
  return 65536 + (hash >> 40) % kLines * places;
}

}  // namespace

WaitingLine::WaitingLine(platform::LeaseRegistry& registry, const PortSet& ports,
                         const std::string& kind)
    : registry_(registry), firstKey_(firstKeyOf(ports, kind, kPlaces)), isOfAll_(kind.empty()) {}

bool WaitingLine::mayBeInUse() const noexcept {
  if (isInUse_) return true;
  const auto now = std::chrono::steady_clock::now();
  if (now.time_since_epoch().count() < nextQuestion_) return false;
  nextQuestion_ = (now + kNoticedAfter).time_since_epoch().count();
  return true;
}

bool WaitingLine::isAnyoneWaiting() const {
  if (!mayBeInUse()) return false;
  if (ignoredUntil_ != 0) {
    if (std::chrono::steady_clock::now().time_since_epoch().count() < ignoredUntil_) return false;
    ignoredUntil_ = 0;
  }
  if (registry_.isLeased(keyOf(kFirst))) return isInUse_ = true;
  // The first has gone, and the next may not have noticed: worth a look if the line was in use.
  if (!isInUse_) return false;
  for (std::uint64_t place = 1; place <= kRing; ++place) {
    if (registry_.isLeased(keyOf(place))) return true;
  }
  return isInUse_ = false;
}

std::size_t WaitingLine::count() const {
  std::size_t count = 0;
  for (std::uint64_t place = kFirst; place <= kRing; ++place) {
    if (registry_.isLeased(keyOf(place))) ++count;
  }
  return count;
}

void WaitingLine::ignore() const {
  constexpr std::chrono::seconds kWhile{5};
  ignoredUntil_ = (std::chrono::steady_clock::now() + kWhile).time_since_epoch().count();
}

// ---- PlaceInLine --------------------------------------------------------------------------------

void PlaceInLine::enter() {
  auto& registry = line_.registry_;
  line_.isInUse_ = true;
  constexpr auto kRing = WaitingLine::kRing;
  ahead_.reserve(kRing);
  ahead_.clear();
  for (std::uint64_t place = 1; place <= kRing; ++place) {
    if (registry.isLeased(line_.keyOf(place))) ahead_.push_back(place);
  }
  // The end of the line is where the most empty places follow.
  std::uint64_t last = kRing, mostEmpty = 0;
  for (std::size_t i = 0; i < ahead_.size(); ++i) {
    const auto next = ahead_[(i + 1) % ahead_.size()];
    const auto empty = next > ahead_[i] ? next - ahead_[i] - 1 : next + kRing - ahead_[i] - 1;
    if (empty >= mostEmpty) {
      mostEmpty = empty;
      last = ahead_[i];
    }
  }
  const auto usable = ahead_.empty() ? kRing / 2 : mostEmpty - std::min(mostEmpty, kRing / 2);
  for (std::uint64_t distance = 1; distance <= usable; ++distance) {
    place_ = WaitingLine::after(last, distance);
    lease_ = registry.tryAcquire(line_.keyOf(place_));
    if (lease_) return;
    if (ahead_.size() < kRing) ahead_.push_back(place_);  // who was faster
  }
}

bool PlaceInLine::advance(Clock::time_point now) {
  standing_ = findStanding(now);
  return standing_ == Standing::First;
}

PlaceInLine::Standing PlaceInLine::findStanding(Clock::time_point now) {
  if (turn_) turn_->await(now);  // so that whoever is next in turn sees it read
  if (isFirst_ && now >= turnEnds_) endTurn(now);
  if (isFirst_) return Standing::First;
  if (now < restEnds_) return turn_ ? Standing::Resting : Standing::Outside;
  if (turn_ && turnEnds_ != Clock::time_point::max()) {  // it has had it, and rested
    turn_.reset();
    turnEnds_ = Clock::time_point::max();
    restEnds_ = now + kLongestPause;
    return Standing::Outside;
  }
  if (isGreedy_ && !takeTurn(now)) {
    giveWay(now);
    return Standing::Outside;
  }
  auto& registry = line_.registry_;
  if (!lease_) enter();
  if (!lease_) return Standing::Outside;
  while (!ahead_.empty() && !registry.isLeased(line_.keyOf(ahead_.back()))) ahead_.pop_back();
  if (ahead_.empty()) {
    if (auto first = registry.tryAcquire(line_.keyOf(WaitingLine::kFirst))) {
      lease_ = std::move(first);
      isFirst_ = true;
      return Standing::First;
    }
  }
  if (!line_.isOfAll_) return Standing::Behind;
  return isAnyoneAheadStopped(now) ? Standing::BehindStopped : Standing::Behind;
}

bool PlaceInLine::isAnyoneAheadStopped(Clock::time_point now) {
  constexpr std::chrono::milliseconds kPause{1000}, kPauseWithoutMessages{10000};
  const bool isFirstTime = nextKnock_ == Clock::time_point::min();
  if (!isFirstTime && now < nextKnock_) return false;
  if (!line_.registry_.hasMessages()) {  // nobody can tell
    nextKnock_ = now + kPauseWithoutMessages;
    return !isFirstTime;
  }
  nextKnock_ = now + kPause;
  if (lease_->isUnheard()) return true;
  // Where the first place is empty, one of the others should have moved there.
  if (lease_->knock(line_.keyOf(WaitingLine::kFirst))) return false;
  for (const auto place : ahead_) lease_->knock(line_.keyOf(place));
  return false;
}

PlaceInLine::Clock::time_point PlaceInLine::nextAdvance(Clock::time_point now) const {
  constexpr std::chrono::milliseconds kMoveUp{100}, kMoveUpWithoutMessages{10}, kOutside{500};
  if (isFirst_) return turnEnds_;
  if (!lease_) return now < restEnds_ ? restEnds_ : now + kOutside;
  if (line_.registry_.hasMessages()) return now + kMoveUp;
  const auto count = static_cast<int>(ahead_.size()) + 1;
  return now + std::min(kMoveUpWithoutMessages * count, kMoveUp);  // the next is the first to look
}

bool PlaceInLine::takeTurn(Clock::time_point now) {
  if (turn_) return true;
  if (now.time_since_epoch().count() < line_.noTurnUntil_) return false;
  turn_ = line_.registry_.tryAcquire(line_.keyOf(WaitingLine::kTurn));
  if (!turn_ && isTurnStopped(now)) turn_ = std::move(nextTurn_);
  if (turn_) nextTurn_.reset();
  return turn_ != nullptr;
}

bool PlaceInLine::isTurnStopped(Clock::time_point now) {
  constexpr std::chrono::milliseconds kPause{1000};
  if (!nextTurn_) nextTurn_ = line_.registry_.tryAcquire(line_.keyOf(WaitingLine::kNextTurn));
  if (!nextTurn_ || now < nextTurnKnock_) return false;
  if (nextTurn_->isUnheard()) return true;
  nextTurn_->knock(line_.keyOf(WaitingLine::kTurn));
  nextTurnKnock_ = now + kPause;
  return false;
}

void PlaceInLine::giveWay(Clock::time_point now) {
  restEnds_ = now + pause_;
  pause_ = std::min<Clock::duration>(2 * pause_, kLongestPause);
}

void PlaceInLine::endTurn(Clock::time_point now) {
  if (!isAnyoneBehind()) {
    turnEnds_ = now + kFirstTurn;  // it disturbs nobody
    return;
  }
  leave();
  restEnds_ = now + kRestInTurns * turnLength_;
  turnLength_ = std::min<Clock::duration>(2 * turnLength_, kLongestTurn);
}

void PlaceInLine::lookedInVain(Clock::time_point now, bool leftSomething, bool needsSeveral) {
  if (!leftSomething && turnEnds_ == Clock::time_point::max()) {
    isGreedy_ = false;
    turn_.reset();
  }
  if (!leftSomething || !isFirst_) return;
  isGreedy_ = true;
  if (!takeTurn(now)) {
    leave();
    giveWay(now);
  } else if (turnEnds_ == Clock::time_point::max()) {
    if (needsSeveral) {
      gathering_ = line_.registry_.tryAcquire(line_.keyOf(WaitingLine::kGathering));
    }
    turnEnds_ = now + turnLength_;
  }
}

void PlaceInLine::giveUp(Clock::time_point now) noexcept {
  if (!turn_ || turnEnds_ == Clock::time_point::max()) return;
  line_.noTurnUntil_ = (now + kRestInTurns * turnLength_).time_since_epoch().count();
}

bool PlaceInLine::isAnyoneBehind() const {
  for (std::uint64_t distance = 1; distance <= WaitingLine::kRing; ++distance) {
    if (line_.registry_.isLeased(line_.keyOf(WaitingLine::after(place_, distance)))) return true;
  }
  return false;
}

void PlaceInLine::leave() noexcept {
  gathering_.reset();
  if (!lease_) return;
  lease_.reset();
  isFirst_ = false;
  if (!line_.isOfAll_) return;
  // Which of them came first, they know themselves.
  for (std::uint64_t place = 1; place <= WaitingLine::kRing; ++place) {
    line_.registry_.wake(line_.keyOf(place), 0);
  }
}

std::optional<std::uint16_t> PlaceInLine::await(Clock::time_point deadline) {
  if (lease_) return lease_->await(deadline);
  if (turn_) {
    turn_->await(deadline);
    return std::nullopt;
  }
  std::this_thread::sleep_until(deadline);
  return std::nullopt;
}

}  // namespace portpool
