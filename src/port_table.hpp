#pragma once

#include "block_shape.hpp"

#include <portpool/port_set.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <vector>

namespace portpool {

/// The state of each port of a pool, and the order in which the pool tries its ports. Looking up,
/// taking and putting back a port takes constant time and allocates no memory. Whoever takes a port
/// must put it back, whether it was handed out or not. Not thread-safe.
class PortTable {
 public:
  enum class State : std::uint8_t {
    Absent,    ///< not of this pool
    Unused,    ///< never tried
    Returned,  ///< free, as far as is known
    Leased,    ///< somebody else has its lease, and most likely returns it soon
    Busy,      ///< its probe failed: another program has it, connections linger, or it is forbidden
    Taken,     ///< being tried, or handed out
  };

  static constexpr std::size_t kPorts = 65536;

  PortTable(const PortSet& ports, std::uint64_t seed);

  State state(std::uint16_t port) const { return states_[port]; }
  std::size_t count(State state) const { return counts_[static_cast<std::size_t>(state)]; }

  /// The number of ports that are neither taken nor known to be leased or busy.
  std::size_t fresh() const { return count(State::Unused) + count(State::Returned); }

  /// Takes the least recently used fresh port: first the unused ports, in random order, then the
  /// returned ones.
  std::optional<std::uint16_t> takeFresh();
  /// A fresh port, without taking it. takeFresh() may take another unused one, chosen at random.
  std::optional<std::uint16_t> nextFresh();

  /// Takes the port that has been longest in this state: Leased, Busy or Returned.
  std::optional<std::uint16_t> takeOldest(State state);

  /// Takes this port; false if it is already taken or does not belong to the pool.
  bool take(std::uint16_t port);

  /// Puts a port back: as the last Returned, Leased or Busy one.
  void put(std::uint16_t port, State state) noexcept;

  /// In a forked child: a taken port is the parent's, so it counts as leased.
  void leaveTakenToParent() noexcept;

  /// The first port, at or after `from`, of a block whose ports are all in one of `states`, one bit
  /// each (see `bit`); nothing if there is none.
  std::optional<std::uint16_t> findBlock(const BlockShape& shape, std::size_t from,
                                         unsigned states) const;
  static constexpr unsigned bit(State state) { return 1U << static_cast<unsigned>(state); }

  /// A port of this pool, each as likely as any other, from the seed's sequence.
  std::uint16_t randomPort();

 private:
  struct Links {
    std::uint16_t before, after;  // 0 at either end
  };
  struct Queue {
    std::uint16_t front = 0, back = 0;
  };
  static constexpr std::size_t kStates = 6;

  Queue& queueOf(State state) { return queues_[static_cast<std::size_t>(state)]; }
  void setState(std::uint16_t port, State state) noexcept;
  void unlink(std::uint16_t port) noexcept;
  std::uint16_t randomUnused();

  // The C++ standard fixes the sequence of this engine, but not the results of its distributions.
  std::mt19937 random_;
  PortSet ports_;
  std::vector<State> states_;
  std::unique_ptr<Links[]> links_;  // in queues; the pages of unused ports stay untouched
  std::array<std::size_t, kStates> counts_{};
  std::array<Queue, kStates> queues_{};
};

}  // namespace portpool
