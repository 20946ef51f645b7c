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

  /// Whether anybody is in line. Asks the system at most once a millisecond, as each question costs
  /// a tenth of an allocation. Throws as LeaseRegistry::tryAcquire() does.
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
  void remember(bool isInUse, std::chrono::nanoseconds time) const noexcept;

  platform::LeaseRegistry& registry_;
  std::uint64_t firstKey_;
  // The answer to the last question, and when to ask again, by the steady clock.
  mutable std::atomic<bool> isInUse_{false};
  mutable std::atomic<std::chrono::steady_clock::rep> askAgain_{0};
};

/// A waiter's place in the line. Gives it up when destroyed. Not thread-safe.
///
/// A waiter at the front that cannot be served although ports are free (it needs more of them)
/// holds the others back for a second, its turn, so that ports gather. Then it steps away for nine
/// seconds. Only one waiter has a turn, or is away after its turn: another steps away at once.
class PlaceInLine {
 public:
  using Clock = std::chrono::steady_clock;

  enum class Standing {
    Behind,  ///< waiters are ahead; the one that leaves wakes the next
    Front,   ///< a returned port wakes it
    Away,    ///< not in line: it has stepped away, or the line is full
  };

  explicit PlaceInLine(const WaitingLine& line) : line_(line) {}
  PlaceInLine(const PlaceInLine&) = delete;
  PlaceInLine& operator=(const PlaceInLine&) = delete;
  ~PlaceInLine();

  /// Joins the end of the line, moves to the front if nobody is ahead any more, or steps away at
  /// the end of a turn. Returns whether the place is the front. Throws as
  /// LeaseRegistry::tryAcquire() does, and std::bad_alloc.
  bool advance(Clock::time_point now = Clock::now());

  /// As of the last advance().
  Standing standing() const { return standing_; }

  /// When this waiter looks for ports though it is not at the front: at once if it is away, and
  /// behind others once it has not moved for ten seconds, since a process ahead may be stopped.
  Clock::time_point looksFrom() const;

  /// To be called after a look in vain that left ports which other requests could use.
  void leftPorts(Clock::time_point now);

  /// When to call advance() at the latest if nobody wakes it: a killed waiter wakes nobody.
  Clock::time_point nextAdvance(Clock::time_point now) const;

  /// Waits until this place is woken, or until `deadline`. Returns the port that was returned to
  /// the pool, 0 if a waiter ahead has left, or nullopt at the deadline.
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
  Clock::time_point moved_;                // when a waiter ahead last left
  std::unique_ptr<platform::Lease> turn_;  // during the turn, and while away after it
  Clock::time_point turnEnds_;
  Clock::time_point comesBack_;  // to the line
};

}  // namespace portpool
