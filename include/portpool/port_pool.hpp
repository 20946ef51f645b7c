#pragma once

#include <portpool/cpp17.hpp>

#include <portpool/pimpl.hpp>
#include <portpool/port_request.hpp>
#include <portpool/port_set.hpp>
#include <portpool/tcp_port_owner.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace portpool {
class PortSearch;
class PortWait;
}  // namespace portpool

#pragma GCC visibility push(default)
namespace portpool {

struct PortPoolOptions;

/// The counts of a pool at one moment.
struct PortPoolStatistics {
  std::size_t size;             ///< ports that the pool may hand out
  std::size_t allocated;        ///< ports that are handed out now
  std::size_t peak;             ///< the most that were handed out at one time
  std::uint64_t lifetimeTotal;  ///< allocations since the pool was built
};

/// The ports that may be handed out, in the order in which they are tried: least recently used
/// first, starting from a random permutation. Ports found busy are tried again only when no other
/// is left. All members are thread-safe.
class PortPool {
 public:
  /// This process's pool, built on first use from getServerTCPPorts() and the environment
  /// (PORTPOOL_WAIT_SECONDS, PORTPOOL_SEED, PORTPOOL_VERBOSE, PORTPOOL_HOLD, PORTPOOL_LEAKS,
  /// PORTPOOL_ISOLATE), and never destroyed.
  /// Throws PortSpecificationError or PortRangeUnknownError if it cannot be built, and
  /// IsolationError if PORTPOOL_ISOLATE requires isolation and this process is not isolated.
  static PortPool& process();

  /// Throws PortSpecificationError if `ports` is empty.
  explicit PortPool(const PortSet& ports);
  PortPool(const PortSet& ports, const PortPoolOptions& options);

  PortPool(const PortPool&) = delete;
  PortPool& operator=(const PortPool&) = delete;
  ~PortPool();

  /// Hands out a port that is free on every host of the request and is not leased by any other
  /// portpool process, thread or pool on this machine. The port stays leased until its owner is
  /// destroyed or the process ends, however it ends; the owner may outlive the pool. The port is
  /// not bound: a program that does not use portpool can still take it.
  ///
  /// If every port is taken, waits for one to be returned. The requests for ports of the same set
  /// wait in one line across all processes: first come, first served. A request for several ports
  /// may make the others wait for one second in ten, and one that has not moved for ten seconds
  /// looks for itself. After a second, the first in line logs to stderr who holds which ports.
  ///
  /// Throws HostError at once if a host of the request is wrong, DescriptorLimitError if the
  /// process or the system has no descriptor left, and NoPortAvailableError when the wait time is
  /// up, or at once if this user may not bind enough of the ports.
  TCPPortOwner allocate(const PortRequest& request = detail::defaultRequest());

  /// Hands out `count` ports at once, all or none. Throws as allocate() does, and
  /// PortSpecificationError if the pool has fewer ports.
  std::vector<TCPPortOwner> allocateSeveral(std::size_t count,
                                            const PortRequest& request = detail::defaultRequest());

  /// Hands out a block: `count` ports, ascending, all or none, from anywhere in the pool (blocks
  /// are not chosen by least recent use). They are consecutive, unless the request asks for another
  /// distance. Throws as allocate() does, and PortSpecificationError if the pool has no such block.
  std::vector<TCPPortOwner> allocateBlock(std::size_t count,
                                          const PortRequest& request = detail::defaultRequest());

  /// The ports that the pool was given.
  const PortSet& ports() const noexcept;

  /// The seed of the order: the option, or the number chosen instead of it.
  std::uint64_t seed() const noexcept;

  PortPoolStatistics statistics() const;

 private:
  class [[gnu::visibility("hidden")]] Impl;
  struct [[gnu::visibility("hidden")]] Share;  // of the Impl: owners of ports have one, too
  Impl& impl() const noexcept;
  friend class detail::Allocation;
  friend class PortSearch;
  friend class PortWait;

  detail::Pimpl<Share> share_;
};

}  // namespace portpool
#pragma GCC visibility pop
