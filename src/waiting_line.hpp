#pragma once

#include "platform/lease.hpp"

#include <portpool/port_set.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace portpool {

/// The machine-wide line of the requests that wait for ports of one set, or of those among them
/// that ask for the same, across threads, processes and users. Each place in it is a lease: a
/// waiter that dies leaves its place, and a waiter sleeps on the lease of its place until it is
/// woken. There is one first place; the others form a ring, in which a waiter keeps its place until
/// all those that it found there are gone.
class WaitingLine {
 public:
  /// Of all requests, or of those of that kind.
  WaitingLine(platform::LeaseRegistry& registry, const PortSet& ports,
              const std::string& kind = "");

  /// Whether anyone is in line, as of kNoticedAfter ago at most. Throws as
  /// LeaseRegistry::tryAcquire() does.
  bool isAnyoneWaiting() const;

  /// How long a process that asks often may take to notice a waiter at the front of the line:
  /// asking each time would cost a tenth of an allocation.
  static constexpr std::chrono::milliseconds kNoticedAfter{1};

  /// Whether the first has the turn of those that are not served unless the others let ports
  /// gather. Throws as LeaseRegistry::tryAcquire() does.
  bool arePortsGathering() const { return registry_.isLeased(keyOf(kGathering)); }

  /// How many are in line. Throws as LeaseRegistry::tryAcquire() does.
  std::size_t count() const;

  /// Wakes the first in line with the port that was returned.
  void wakeFirst(std::uint16_t port) const noexcept {
    // Without messages it cannot, and whoever asks next has to see the waiter.
    if (!registry_.hasMessages() || !mayBeInUse()) return;
    if (registry_.wake(keyOf(kFirst), port)) isInUse_ = true;
  }

  /// Makes this process act for a while as if the line were empty, because the first is stopped.
  void ignore() const;

 private:
  friend class PlaceInLine;
  // The first place, the ring from 1 on, the turn of a waiter that cannot be served, who has the
  // turn after that, and that the first has the turn, and needs several ports.
  static constexpr std::uint64_t kFirst = 0, kRing = 252, kTurn = kRing + 1, kNextTurn = kTurn + 1,
                                 kGathering = kNextTurn + 1, kPlaces = kGathering + 1;

  std::uint64_t keyOf(std::uint64_t place) const { return firstKey_ + place; }
  /// The place in the ring at this distance after another.
  static std::uint64_t after(std::uint64_t place, std::uint64_t distance) {
    return (place - 1 + distance) % kRing + 1;
  }

  platform::LeaseRegistry& registry_;
  std::uint64_t firstKey_;
  bool
      isOfAll_;  // in that of a kind nobody sleeps, nor reads messages: all are in that of all, too
  /// False if the line was empty when this was last checked, within kNoticedAfter.
  bool mayBeInUse() const noexcept;

  mutable std::atomic<bool> isInUse_{false};  // as this process last saw it
  mutable std::atomic<std::chrono::steady_clock::rep> nextQuestion_{0};
  mutable std::atomic<std::chrono::steady_clock::rep> ignoredUntil_{0};
  mutable std::atomic<std::chrono::steady_clock::rep> noTurnUntil_{0};  // for this process
};

/// A waiter in the line. Leaves it when destroyed.
///
/// A waiter that cannot be served although ports are free (it needs more of them, say) is in line
/// only during its turn, in which it may keep the others waiting; afterwards it lets them pass for
/// nine times as long. Only one such waiter at a time has a turn or rests from one; then it gives
/// way to another. Turns grow longer, so that there is a chance even where ports are held for long.
class PlaceInLine {
 public:
  using Clock = std::chrono::steady_clock;

  explicit PlaceInLine(const WaitingLine& line, bool isGreedy = false)
      : line_(line), isGreedy_(isGreedy) {}
  PlaceInLine(const PlaceInLine&) = delete;
  PlaceInLine& operator=(const PlaceInLine&) = delete;
  ~PlaceInLine() {
    turn_.reset();  // before the next waiter looks
    leave();
  }

  /// Joins the end of the line, or moves to the first place if all who were ahead are gone; returns
  /// whether it has the first place. Stays outside if the line is full, or while it lets others
  /// pass. Throws as LeaseRegistry::tryAcquire() does, and std::bad_alloc.
  bool advance(Clock::time_point now = Clock::now());

  enum class Standing {
    First,
    Behind,         ///< others are ahead, or the line is full
    BehindStopped,  ///< a waiter ahead does not respond, like a process that is stopped
    Resting,        ///< has had its turn and lets the others pass
    Outside,        ///< has no turn
  };
  /// As of the last advance().
  Standing standing() const { return standing_; }

  /// To be called after an unsuccessful look; `leftSomething` if it left ports that others could
  /// use, `needsSeveral` if ports have to gather.
  void lookedInVain(Clock::time_point now, bool leftSomething, bool needsSeveral = false);

  /// To be called when the time is up: this process gets no other turn until it has rested.
  void giveUp(Clock::time_point now) noexcept;

  /// When to call advance() at the latest if nobody wakes it.
  Clock::time_point nextAdvance(Clock::time_point now) const;

  void leave() noexcept;

  /// Waits until this place is woken, or until `deadline` at the latest. Returns the port that was
  /// returned to the pool, 0 if it was woken for another reason, or nullopt.
  std::optional<std::uint16_t> await(Clock::time_point deadline);

 private:
  Standing findStanding(Clock::time_point now);
  void enter();
  bool takeTurn(Clock::time_point now);
  /// Whether the one that has the turn does not read a message of a second ago, like a process that
  /// is stopped. Only the next in turn asks.
  bool isTurnStopped(Clock::time_point now);
  /// Stays out of the line for a while, because another has the turn: most turns are short.
  void giveWay(Clock::time_point now);
  void endTurn(Clock::time_point now);
  bool isAnyoneBehind() const;
  /// Sends a message to those ahead, once a second; returns whether one of them does not read it.
  bool isAnyoneAheadStopped(Clock::time_point now);

  const WaitingLine& line_;
  std::uint64_t place_ = 1;           // in the ring, at present or before it was the first
  std::vector<std::uint64_t> ahead_;  // the places of those ahead
  std::unique_ptr<platform::Lease> lease_;
  Standing standing_ = Standing::Outside;
  Clock::time_point nextKnock_ = Clock::time_point::min();

  static constexpr std::chrono::milliseconds kFirstTurn{200}, kLongestTurn{1000};
  static constexpr std::chrono::milliseconds kFirstPause{2}, kLongestPause{500};
  static constexpr int kRestInTurns = 9;
  bool isGreedy_;  // could not be served though ports were free
  bool isFirst_ = false;
  std::unique_ptr<platform::Lease> turn_, nextTurn_, gathering_;
  Clock::time_point nextTurnKnock_ = Clock::time_point::min();
  Clock::duration turnLength_ = kFirstTurn, pause_ = kFirstPause;
  Clock::time_point turnEnds_ = Clock::time_point::max();
  Clock::time_point restEnds_ = Clock::time_point::min();
};

}  // namespace portpool
