#pragma once

#include "port_pool_impl.hpp"
#include "port_search.hpp"
#include "waiting_line.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace portpool {

/// The wait of one caller, in line with all others, for ports that its search did not find at once.
class PortWait {
 public:
  PortWait(PortPool::Impl& pool, PortSearch& search);

  /// Returns the ports as soon as they are available. Throws NoPortAvailableError when the time is
  /// up, or at once if this user may not bind enough of the ports.
  Allocations run();

 private:
  using Clock = std::chrono::steady_clock;
  using Standing = PlaceInLine::Standing;

  /// Looks for ports if it is time to, or if one was returned.
  Allocations look(Clock::time_point now, bool isLast);
  /// From behind others, for what a plain request could not have: those that ask for the same do so
  /// in the order of arrival, and nobody does while the first lets ports gather.
  Allocations lookAside(Clock::time_point now);
  /// Keeps the place among those that ask for the same; returns whether it is the first of them.
  bool isFirstOfItsKind(Clock::time_point now);
  /// When the time is up: looks at the ports that other threads of this process were trying.
  Allocations lookAtMissed();
  Clock::time_point nextLookAfter(Clock::time_point now, std::chrono::nanoseconds cost) const;

  /// Logs once who holds which ports. The first in line does it for all, unless they wait for long.
  void report(Clock::time_point now);
  Clock::time_point reportAt() const;

  [[noreturn]] void throwTimeIsUp() const;
  [[noreturn]] void throwForbidden() const;
  std::string describeUsers() const;

  PortPool::Impl& pool_;
  PortSearch& search_;
  const Clock::time_point start_ = Clock::now();
  const Clock::time_point deadline_;
  PlaceInLine place_;
  const WaitingLine lineOfItsKind_;
  std::optional<PlaceInLine> placeInItsKind_;  // only of one that can look aside
  bool mayLookAside_ = false;
  std::optional<Standing> standing_;  // by the last advance
  std::optional<std::uint16_t> returned_;
  Clock::time_point nextLook_;
  Clock::time_point lookOnce_ = start_;  // whatever a look costs
  bool isReported_ = false;
};

}  // namespace portpool
