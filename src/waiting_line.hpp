#pragma once

#include "platform/lease.hpp"

#include <portpool/port_set.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace portpool {

/// The machine-wide line of those who wait for ports of one set, whatever they want: across
/// threads, processes and users. Each place is a lease, so one who dies leaves it, and one who
/// waits sleeps on the lease of its place until it is woken. One place is that of the first; the
/// others are a ring, in which everybody keeps its place until those that it found there are gone.
class WaitingLine {
 public:
  WaitingLine(platform::LeaseRegistry& registry, const PortSet& ports);

  /// Whether somebody is in line, or was not kNoticedAfter ago. Throws as
  /// LeaseRegistry::tryAcquire().
  bool isAnyoneWaiting() const;

  /// How long a process that asks often may take to notice that somebody has come first in line: to
  /// ask each time costs as much as a tenth of an allocation.
  static constexpr std::chrono::milliseconds kNoticedAfter{1};

  /// How many are in line. Throws as LeaseRegistry::tryAcquire().
  std::size_t count() const;

  /// Tells the first in line that the port came back.
  void wakeFirst(std::uint16_t port) const noexcept {
    if (mayBeInUse() && registry_.wake(keyOf(kFirst), port)) isInUse_ = true;
  }

  /// From now on, for a while, this process acts as if nobody were in line, since the first is
  /// stopped.
  void ignore() const;

 private:
  friend class PlaceInLine;
  // The first place, the ring from 1 on, and the turn of one who cannot be served.
  static constexpr std::uint64_t kFirst = 0, kRing = 254, kTurn = kRing + 1, kPlaces = kTurn + 1;

  std::uint64_t keyOf(std::uint64_t place) const { return firstKey_ + place; }
  /// The place in the ring that comes so many places after another.
  static std::uint64_t after(std::uint64_t place, std::uint64_t distance) {
    return (place - 1 + distance) % kRing + 1;
  }

  platform::LeaseRegistry& registry_;
  std::uint64_t firstKey_;
  /// False if nobody was there when this was last asked, just now.
  bool mayBeInUse() const noexcept;

  mutable std::atomic<bool> isInUse_{false};  // by what this process has seen of late
  mutable std::atomic<std::chrono::steady_clock::rep> nextQuestion_{0};
  mutable std::atomic<std::chrono::steady_clock::rep> ignoredUntil_{0};
  mutable std::atomic<std::chrono::steady_clock::rep> noTurnUntil_{0};  // for this process
};

/// One who waits in the line. Ends by leaving it.
///
/// One who cannot be served though ports are free (it wants more than those, say) is in line only
/// in its turn, in which it may keep the others waiting; then it lets them pass for nine times as
/// long. Of all such only one at a time has a turn, or rests from it, and then gives way to
/// another. Turns become longer, so that there is a chance where ports are held for long.
class PlaceInLine {
 public:
  using Clock = std::chrono::steady_clock;

  explicit PlaceInLine(const WaitingLine& line, bool isGreedy = false)
      : line_(line), isGreedy_(isGreedy) {}
  PlaceInLine(const PlaceInLine&) = delete;
  PlaceInLine& operator=(const PlaceInLine&) = delete;
  ~PlaceInLine() {
    turn_.reset();  // before the next looks
    leave();
  }

  /// Enters the line at its end, or moves to the first place if all who were there are gone;
  /// returns whether it has that place. If the line is full, or while it lets others pass, stays
  /// outside. Throws as LeaseRegistry::tryAcquire(), and std::bad_alloc.
  bool advance(Clock::time_point now = Clock::now());

  enum class Standing {
    First,
    Behind,         ///< or before a line that is full
    BehindStopped,  ///< somebody who came before does not hear, as a process that is stopped
    Resting,        ///< has had its turn, and lets the others pass
    Outside,        ///< has no turn
  };
  /// By the last advance().
  Standing standing() const { return standing_; }

  /// After a look in vain, which left ports that others could have, or not.
  void lookedInVain(Clock::time_point now, bool leftSomething);

  /// After all of its time in vain: this process has no other turn until it has rested.
  void giveUp(Clock::time_point now) noexcept;

  /// When it has to advance() at the latest, should nobody wake it.
  Clock::time_point nextAdvance(Clock::time_point now) const;

  void leave() noexcept;

  /// Waits until somebody wakes this place, or until `deadline` at the latest. Returns the port
  /// that came back, 0 if there is other news, or nothing.
  std::optional<std::uint16_t> await(Clock::time_point deadline);

 private:
  Standing findStanding(Clock::time_point now);
  void enter();
  bool takeTurn(Clock::time_point now);
  void endTurn(Clock::time_point now);
  bool isAnyoneBehind() const;
  /// Knocks at those who came before, once a second, and tells whether they hear.
  bool isAnyoneAheadStopped(Clock::time_point now);

  const WaitingLine& line_;
  std::uint64_t place_ = 1;           // in the ring, at present or before it was the first
  std::vector<std::uint64_t> ahead_;  // the places of those who came before
  std::unique_ptr<platform::Lease> lease_;
  Standing standing_ = Standing::Outside;
  Clock::time_point nextKnock_ = Clock::time_point::min();

  static constexpr std::chrono::milliseconds kFirstTurn{200}, kLongestTurn{1000};
  static constexpr std::chrono::milliseconds kGiveWay{500};
  static constexpr int kRestInTurns = 9;
  bool isGreedy_;  // could not be served though ports were free
  bool isFirst_ = false;
  std::unique_ptr<platform::Lease> turn_;
  Clock::duration turnLength_ = kFirstTurn;
  Clock::time_point turnEnds_ = Clock::time_point::max();
  Clock::time_point restEnds_ = Clock::time_point::min();
};

}  // namespace portpool
