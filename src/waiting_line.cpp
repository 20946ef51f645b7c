#include "waiting_line.hpp"

#include <algorithm>
#include <thread>
#include <utility>

namespace portpool {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kAskAgain{1};
constexpr seconds kPatience{10};  // behind waiters that do not move
constexpr seconds kTurnTime{1}, kAwayAfterTurn = 9 * kTurnTime;
constexpr milliseconds kAwayWithoutTurn{500};
constexpr milliseconds kAdvance{100}, kAdvanceWithoutMessages{10};

/// The first key of the line of these ports, above the keys of all ports. Two sets that shared a
/// line would keep each other waiting: there are four million lines.
std::uint64_t firstKeyOf(const PortSet& ports, std::uint64_t keys) {
  constexpr std::uint64_t kLines = std::uint64_t{1} << 22, kPrime = 0x100000001b3;  // of FNV-1a
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const auto& range : ports.ranges()) {
    hash = (hash ^ range.first) * kPrime;
    hash = (hash ^ range.last) * kPrime;
  }
  return 65536 + (hash >> 40) % kLines * keys;
}

}  // namespace

WaitingLine::WaitingLine(platform::LeaseRegistry& registry, const PortSet& ports)
    : registry_(registry), firstKey_(firstKeyOf(ports, kKeys)) {}

bool WaitingLine::isAnyoneWaiting() const {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  if (now.count() < askAgain_) return isInUse_;
  bool isInUse = isLeased(kFront);
  // The front may be empty for a moment, until the next waiter has moved there.
  for (std::uint64_t place = 1; isInUse_ && !isInUse && place <= kRing; ++place) {
    isInUse = isLeased(place);
  }
  isInUse_ = isInUse;
  askAgain_ = (now + kAskAgain).count();
  return isInUse;
}

void WaitingLine::wakeFront(std::uint16_t port) const noexcept {
  try {
    if (registry_.hasMessages() && isAnyoneWaiting()) registry_.wake(keyOf(kFront), port);
  } catch (const std::exception&) {
    return;  // without descriptors: the waiter looks by itself, a little later
  }
}

// ---- PlaceInLine --------------------------------------------------------------------------------

PlaceInLine::~PlaceInLine() {
  turn_.reset();  // before the next waiter looks
  leave();
}

bool PlaceInLine::advance(Clock::time_point now) {
  if (standing_ == Standing::Front && turn_ && now >= turnEnds_ && isAnyoneBehind()) {
    stepAway(now + kAwayAfterTurn);
  } else if (standing_ == Standing::Away && now >= comesBack_) {
    turn_.reset();
    join(now);
  }
  if (standing_ == Standing::Behind) moveUp(now);
  return standing_ == Standing::Front;
}

void PlaceInLine::join(Clock::time_point now) {
  constexpr auto kRing = WaitingLine::kRing;
  ahead_.clear();
  ahead_.reserve(kRing);
  for (std::uint64_t place = 1; place <= kRing; ++place) {
    if (line_.isLeased(place)) ahead_.push_back(place);
  }
  // The longest run of empty places is between the youngest waiter and the oldest.
  std::uint64_t last = kRing, mostEmpty = ahead_.empty() ? kRing : 0;
  auto oldest = ahead_.begin();
  for (auto place = ahead_.begin(); place != ahead_.end(); ++place) {
    const auto before = place == ahead_.begin() ? ahead_.back() : *std::prev(place);
    const auto empty = (*place + kRing - before - 1) % kRing;
    if (empty <= mostEmpty) continue;
    mostEmpty = empty;
    last = before;
    oldest = place;
  }
  std::rotate(ahead_.begin(), oldest, ahead_.end());
  std::reverse(ahead_.begin(), ahead_.end());
  // Half of the ring stays empty, so that its beginning and its end can be told apart.
  for (std::uint64_t distance = 1; distance + kRing / 2 <= mostEmpty; ++distance) {
    place_ = WaitingLine::after(last, distance);
    lease_ = line_.registry_.tryAcquire(line_.keyOf(place_));
    if (lease_) break;
    ahead_.insert(ahead_.begin(), place_);  // of a faster waiter
  }
  if (!lease_) return;
  standing_ = Standing::Behind;
  moved_ = now;
  line_.isInUse_ = true;
}

void PlaceInLine::moveUp(Clock::time_point now) {
  while (!ahead_.empty() && !line_.isLeased(ahead_.back())) {
    ahead_.pop_back();
    moved_ = now;
  }
  if (!ahead_.empty()) return;
  front_ = line_.registry_.tryAcquire(line_.keyOf(WaitingLine::kFront));
  if (front_) standing_ = Standing::Front;
}

PlaceInLine::Clock::time_point PlaceInLine::looksFrom() const {
  return standing_ == Standing::Behind ? moved_ + kPatience : Clock::time_point::min();
}

void PlaceInLine::takeTurn(Clock::time_point now) {
  if (standing_ != Standing::Front || turn_) return;
  turn_ = line_.registry_.tryAcquire(line_.keyOf(WaitingLine::kTurn));
  turnEnds_ = now + kTurnTime;
  if (!turn_) stepAway(now + kAwayWithoutTurn);
}

bool PlaceInLine::isAnyoneBehind() const {
  for (std::uint64_t distance = 1; distance < WaitingLine::kRing; ++distance) {
    if (line_.isLeased(WaitingLine::after(place_, distance))) return true;
  }
  return false;
}

void PlaceInLine::stepAway(Clock::time_point until) {
  leave();
  standing_ = Standing::Away;
  comesBack_ = until;
}

void PlaceInLine::leave() noexcept {
  if (!lease_) return;
  front_.reset();
  lease_.reset();
  line_.askAgain_ = 0;
  for (std::uint64_t distance = 1; distance < WaitingLine::kRing; ++distance) {
    if (line_.registry_.wake(line_.keyOf(WaitingLine::after(place_, distance)), 0)) return;
  }
}

PlaceInLine::Clock::time_point PlaceInLine::nextAdvance(Clock::time_point now) const {
  if (standing_ == Standing::Front && !turn_) return Clock::time_point::max();
  if (standing_ == Standing::Behind) {
    return now + (line_.registry_.hasMessages() ? kAdvance : kAdvanceWithoutMessages);
  }
  const auto ends = standing_ == Standing::Front ? turnEnds_ : comesBack_;
  // A turn goes on while nobody is behind, and a full line may be joined later.
  return ends > now ? ends : now + kAwayWithoutTurn;
}

std::optional<std::uint16_t> PlaceInLine::await(Clock::time_point deadline) {
  if (lease_) return (front_ ? front_ : lease_)->await(deadline);
  std::this_thread::sleep_until(deadline);
  return std::nullopt;
}

}  // namespace portpool
