#pragma once

#include "port_pool_impl.hpp"
#include "port_search.hpp"
#include "waiting_line.hpp"

#include <chrono>
#include <string>

namespace portpool {

/// The wait of one caller, in line with all others, for ports that its search did not find at once.
class PortWait {
 public:
  /// The wait lasts for the pool's time, or for two seconds before the tests run, but at least for
  /// a tenth of a second: a port may be taken just for an instant, because another thread tries it,
  /// or because a process that is being started has a copy of its lease.
  PortWait(PortPool::Impl& pool, PortSearch& search);

  /// Returns the ports as soon as they are available. Throws NoPortAvailableError when the time is
  /// up, or at once if this user may not bind enough of the ports.
  Allocations run();

 private:
  using Clock = std::chrono::steady_clock;

  /// Looks for ports if it is time to, or, at the front, if one was returned.
  Allocations look(Clock::time_point now, bool isLast);
  bool isAtFront() const { return place_.standing() == PlaceInLine::Standing::Front; }
  Clock::time_point nextLook() const;
  /// Sleeps until a port is returned, or there is something else to do.
  void sleep(Clock::time_point now);

  /// Logs once who holds which ports, after a look in vain a second or more after the start.
  void report(Clock::time_point now);

  [[noreturn]] void throwTimeIsUp() const;
  [[noreturn]] void throwForbidden() const;
  std::string whyNot() const;  ///< who has the ports

  PortPool::Impl& pool_;
  PortSearch& search_;
  const std::chrono::milliseconds time_;
  const Clock::time_point start_ = Clock::now();
  const Clock::time_point deadline_;
  PlaceInLine place_;
  bool isPortReturned_ = false;  // since the last look
  Clock::duration pause_{};      // between looks at the front
  Clock::time_point nextLook_;
  bool isReported_ = false;
};

}  // namespace portpool
