#pragma once

#include "platform/platform.hpp"

#include <cstdint>
#include <memory>

namespace portpool {

/// A place in the machine-wide line of those who wait for a port of one set: first come, first
/// served, across threads, processes and users. Each place is a lease, so one who dies leaves it.
/// The line orders those who wait; it never keeps anybody from a free port for long, and when it is
/// full, one more waits beside it.
class PlaceInLine {
 public:
  PlaceInLine(platform::LeaseRegistry& registry, const PortSet& ports);

  /// Enters the line at its end, or moves up as far as those ahead have left; returns whether the
  /// place is now the first.
  bool advance();

  /// Whether somebody is in the line. Not for one who is in it.
  static bool isAnyoneWaiting(platform::LeaseRegistry& registry, const PortSet& ports);

 private:
  static constexpr std::uint64_t kPlaces = 64;

  platform::LeaseRegistry& registry_;
  std::uint64_t firstKey_;
  std::uint64_t place_ = kPlaces;  // kPlaces: not in the line yet
  std::unique_ptr<platform::Lease> lease_;
};

}  // namespace portpool
