#pragma once

#include "platform/lease.hpp"

#include <portpool/port_set.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace portpool {

/// The machine-wide line of the requests that wait for ports of one set, across threads, processes
/// and users. A waiter holds a place, which is a lease: it vanishes with its holder, and messages
/// reach the waiter through it. The places form a ring. The waiter with nobody ahead also holds the
/// front, which is the lease that a returned port is sent to.
class WaitingLine {
 public:
  WaitingLine(platform::LeaseRegistry& registry, const PortSet& ports);

  /// Whether anybody is in line. Asks the system at most once a millisecond, because a question
  /// takes about a tenth of the time of an allocation. Throws as LeaseRegistry::tryAcquire() does.
  bool isAnyoneWaiting() const;

  /// Sends the port, which has been returned, to the waiter at the front.
  void wakeFront(std::uint16_t port) const noexcept;

  // The keys of a line: the front, the places from 1 to kRing, and the turn of a waiter that holds
  // the others back.
  static constexpr std::uint64_t kFront = 0, kRing = 254, kTurn = kRing + 1, kKeys = kTurn + 1;
  bool isLeased(std::uint64_t key) const { return registry_.isLeased(keyOf(key)); }

 private:
  friend class PlaceInLine;

  std::uint64_t keyOf(std::uint64_t place) const { return firstKey_ + place; }
  /// The place in the ring at this distance after another.
  static std::uint64_t after(std::uint64_t place, std::uint64_t distance) {
    return (place - 1 + distance) % kRing + 1;
  }

  platform::LeaseRegistry& registry_;
  std::uint64_t firstKey_;
  // The answer to the last question, and when to ask again, by the steady clock.
  mutable std::atomic<bool> isInUse_{false};
  mutable std::atomic<std::chrono::steady_clock::rep> askAgain_{0};
};

/// A waiter's place in the line. Gives it up when destroyed. Not thread-safe.
///
/// A waiter at the front that cannot be served although other requests could be (it needs more
/// ports than are free) takes the turn: it stays for a second, so that ports gather, and then steps
/// away for nine seconds if anybody is behind. The turn is a lease, which it keeps while it is
/// away. A second waiter that needs the turn meanwhile steps away at once, for half a second.
class PlaceInLine {
 public:
  using Clock = std::chrono::steady_clock;

  enum class Standing {
    Behind,  ///< other waiters are ahead; a waiter that leaves sends a message to the next one
    Front,   ///< a returned port wakes it
    Away,    ///< not in line: it has stepped away, or the line is full
  };

  explicit PlaceInLine(const WaitingLine& line) : line_(line) {}
  ~PlaceInLine();

  /// Joins the end of the line, moves to the front if nobody is ahead any more, or steps away at
  /// the end of a turn. Returns whether the place is the front. Throws as
  /// LeaseRegistry::tryAcquire() does, and std::bad_alloc.
  bool advance(Clock::time_point now = Clock::now());

  /// As of the last advance().
  Standing standing() const { return standing_; }

  /// The earliest time at which this waiter may look for ports. At the front and away there is no
  /// limit. Behind other waiters it is ten seconds after the last move: a process ahead may be
  /// stopped.
  Clock::time_point looksFrom() const;

  /// Takes the turn, or steps away if another waiter has it. Call this at the front, after a search
  /// that failed although other requests could be served.
  void takeTurn(Clock::time_point now);

  /// The latest time for the next call of advance() if no message arrives: a killed waiter sends
  /// none.
  Clock::time_point nextAdvance(Clock::time_point now) const;

  /// Waits for a message to this place, until `deadline` at the latest. Returns the port that was
  /// returned to the pool, 0 if a waiter ahead has left, or nullopt if there is no message.
  std::optional<std::uint16_t> await(Clock::time_point deadline);

 private:
  void join(Clock::time_point now);
  void moveUp(Clock::time_point now);
  bool isAnyoneBehind() const;
  void stepAway(Clock::time_point until);
  void leave() noexcept;

  const WaitingLine& line_;
  Standing standing_ = Standing::Away;
  std::uint64_t place_ = 1;                 // in the ring
  std::unique_ptr<platform::Lease> lease_;  // of the place; none while away
  std::unique_ptr<platform::Lease> front_;
  std::vector<std::uint64_t> ahead_;       // the places of waiters ahead, the oldest last
  Clock::time_point moved_;                // when the oldest waiter ahead last left
  std::unique_ptr<platform::Lease> turn_;  // during the turn, and while away after it
  Clock::time_point turnEnds_;
  Clock::time_point comesBack_;  // to the line
};

}  // namespace portpool
