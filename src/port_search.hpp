#pragma once

#include "port_pool_impl.hpp"
#include "probe.hpp"

#include <portpool/port_request.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace portpool {

/// "TCP port", "set of 3 UDP ports", "block of 3 consecutive TCP ports".
std::string kindOf(const PortRequest& request, std::size_t count, bool isBlock);

/// One caller's search of a pool for a port, a set or a block. Not thread-safe.
class PortSearch {
 public:
  using Clock = std::chrono::steady_clock;

  /// Throws HostError.
  PortSearch(std::shared_ptr<PortPool::Impl> pool, PortRequest request, std::size_t count,
             bool isBlock);

  std::chrono::milliseconds waitTime() const { return waitTime_; }
  Clock::time_point deadline() const { return start_ + waitTime_; }

  std::size_t count() const { return count_; }
  std::string describe() const;  ///< its kind and its name

  enum class Reach {
    Fresh,       ///< ports that are not known to be taken
    Everything,  ///< then those that were leased, then the busy ones, then those whose connections
                 ///< linger
  };

  /// Looks for all requested ports, trying none twice; returns none unless it finds all of them.
  /// Throws as PortPool::allocate() does.
  Allocations look(Reach reach);

  /// Looks for ports that this request can have and a plain one cannot, because other programs have
  /// them: with these, hardly anybody ahead in line is served. Throws as PortPool::allocate() does.
  Allocations lookAside();
  /// Whether lookAside() can find anything.
  bool canLookAside() const { return !isPlain_; }

  /// What all requests that ask for the same have in common, and no others.
  std::string kind() const;

  /// Throws HostError if a host of the request is wrong, whether any port was probed or not.
  void checkHosts() { probe_.isFree(0); }

  /// Whether the last, unsuccessful look left ports that other requests could use.
  bool leftSomething() const { return leftSomething_; }

  /// The ports that this user may not bind, as far as the last look found any.
  const PortSet& forbidden() const { return forbidden_; }

  /// Whether a port that the last, unsuccessful look found taken may be so only by copies of its
  /// lease or its hold, in a process that is just being started.
  bool mayBeCopied() const { return wasRefusedALease_ || request_->hold != Hold::None; }

  /// To be called before the last look, after which lookAtMissed() can follow.
  void rememberTried() { tried_.assign(kPorts, false); }
  /// Looks at the ports that other threads of this process were trying, and this search therefore
  /// was not, as soon as they no longer do; for several ports, looks once more at all.
  Allocations lookAtMissed();
  /// Whether other threads are still trying some of them.
  bool hasMissed() const { return !missed_.empty(); }

 private:
  static constexpr std::size_t kPorts = 65536;

  /// Which ports lookAtMissed() is to look at.
  void findMissed();
  Allocations lookForSet(Reach reach);
  /// Of the busy ports, those that linger, until there are enough.
  void takeLingering(Allocations& found);
  Allocations lookForBlock(Reach reach);
  /// Of consecutive ports whose states are in `states`.
  Allocations lookForBlockOf(unsigned states);
  /// Takes the ports from `first` on. Returns none, and the port that failed, unless all are free.
  Allocations tryRun(std::uint16_t first, std::uint16_t& failed);
  /// Of these ports.
  Allocations lookForBlockAmong(const PortSet& ports);

  /// Leases and probes one port, taken from the table. Returns null, having put it back, if it is
  /// not free, nor one of those that linger, beside which a server can bind.
  std::unique_ptr<detail::Allocation> tryPort(std::uint16_t port, bool wasLeased = false);

  /// Whether ports are left that other requests could use.
  bool findWhatIsLeft();
  /// Whether a busy port is free for a plain request, unlike for this one.
  bool isBusyPortForOthers();
  /// Leased, busy or free (Returned): what a port, taken from the table, is for a plain request.
  PortTable::State stateForPlain(std::uint16_t port);

  /// Looks up the ports that linger, unless that was done a moment ago.
  void findLingering();
  bool isLingering(std::uint16_t port) const;

  std::shared_ptr<PortPool::Impl> pool_;
  std::shared_ptr<const PortRequest> request_;
  std::size_t count_;
  bool isBlock_;
  bool isPlain_;  // whether any port that serves another request would also serve this one
  const Clock::time_point start_ = Clock::now();
  const std::chrono::milliseconds waitTime_;
  Probe probe_;
  std::vector<std::uint16_t> lingering_;  // oldest first; empty until they are looked up
  std::vector<bool> isLingering_;         // the same, by port
  Clock::time_point nextLookUp_;
  std::vector<bool> tried_;  // by port; empty unless they are remembered
  std::vector<std::uint16_t> missed_;
  PortSet forbidden_;
  bool wasRefusedALease_ = false;
  bool leftSomething_ = false;
};

}  // namespace portpool
