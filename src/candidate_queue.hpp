#pragma once

#include <portpool/port_set.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <random>
#include <vector>

namespace portpool {

/// The order in which the ports of a pool are tried. A port taken from it is the caller's to give
/// back. Not thread-safe.
class CandidateQueue {
 public:
  CandidateQueue(const PortSet& ports, std::uint64_t seed);

  /// The least recently used port not known to be busy: first those never used, in random order,
  /// then the returned ones. Nothing if there is none.
  std::optional<std::uint16_t> next();

  /// The port that was found busy the longest ago.
  std::optional<std::uint16_t> nextSuspect();

  /// Takes this very suspect out; false if it is none.
  bool takeSuspect(std::uint16_t port);

  /// Takes this very port out, whatever is known of it; false if it is not here.
  bool take(std::uint16_t port);

  /// A number below `bound`, from the seed's sequence. `bound` is above 0.
  std::size_t randomBelow(std::size_t bound);

  void giveBack(std::uint16_t port) { returned_.push_back(port); }    ///< used, and free again
  void addSuspect(std::uint16_t port) { suspects_.push_back(port); }  ///< found busy

  std::size_t left() const { return unused_.size() + returned_.size(); }  ///< for `next`
  std::size_t suspects() const { return suspects_.size(); }

 private:
  // The unused ports are permuted as they are taken: a program that needs one port does not pay for
  // shuffling thirty thousand. The engine's sequence is fixed by the C++ standard, unlike that of
  // the standard's distributions.
  std::mt19937 random_;
  std::vector<std::uint16_t> unused_;
  std::deque<std::uint16_t> returned_;
  std::deque<std::uint16_t> suspects_;
};

}  // namespace portpool
