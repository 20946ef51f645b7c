#pragma once

#include <portpool/cpp17.hpp>

#include <portpool/port_request.hpp>
#include <portpool/port_set.hpp>
#include <portpool/tcp_port_owner.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace portpool {

class PortSearch;
class PortWait;

/// Counts of one pool at one moment.
struct PortPoolStatistics {
  std::size_t size;             ///< ports that the pool may hand out
  std::size_t allocated;        ///< ports handed out now
  std::size_t peak;             ///< the most that were handed out at one time
  std::uint64_t lifetimeTotal;  ///< allocations since the pool was built
};

struct PortPoolOptions {
  /// Fixes the order of the ports: pools of one port set and one seed agree on it.
  /// By default each pool has its own.
  std::optional<std::uint64_t> seed{};

  /// How long an allocation waits when every port is taken.
  std::chrono::milliseconds waitTime = std::chrono::seconds(60);

  /// Say on stderr which port is handed out and returned.
  bool verbose = false;

  /// Hold every TCP port as with Hold::Shared, unless the request asks for another hold.
  bool hold = false;
};

/// The ports that may be handed out, and their order: least recently used first, beginning with a
/// random permutation; ports found busy are tried again only when no other is left.
/// All members are thread-safe.
class PortPool {
 public:
  /// This process's pool, built on first use from getServerTCPPorts() and the environment
  /// (PORTPOOL_WAIT_SECONDS, PORTPOOL_SEED, PORTPOOL_VERBOSE, PORTPOOL_HOLD, PORTPOOL_LEAKS,
  /// PORTPOOL_ISOLATE), and never destroyed.
  /// Throws PortSpecificationError or PortRangeUnknownError if it cannot be built, IsolationError
  /// if PORTPOOL_ISOLATE asks for a network of its own that this process does not have.
  ///
  /// If PORTSERVER_ADDRESS is set, and none of the variables that getServerTCPPorts() reads, the
  /// ports are drawn from the server of that address, Google's portserver or `portpool serve`, as
  /// portpicker does. A port stays this process's until it ends; one that is returned is handed out
  /// again before another is drawn. From portserver, which leases no port, the process leases it.
  /// Throws PortServerError, also out of an allocation, if the server does not answer.
  static PortPool& process();

  /// Throws PortSpecificationError if `ports` is empty.
  explicit PortPool(const PortSet& ports, const PortPoolOptions& options = {});

  PortPool(const PortPool&) = delete;
  PortPool& operator=(const PortPool&) = delete;
  ~PortPool();

  /// Hands out a port that is free on every host of the request and leased by no other portpool
  /// process, thread or pool on this machine. It stays leased until its owner ends, or the process
  /// does, however it does; the owner may outlive the pool. The port is not bound: a program that
  /// does not use portpool can still take it.
  /// If every port is taken, waits for one to be returned; after a second whoever is first in line
  /// logs to stderr who holds what. All who wait for ports of one set stand in one line, whatever
  /// they ask for, in whatever thread or process: first come, first served, and who asks while
  /// others wait lines up behind them, once it has noticed them, a millisecond later at the most.
  /// That holds for 127 who wait at a time, and in pools of more than 16,384 ports for those to
  /// whose process fewer than 64 ports seem free. One who cannot be served though ports are free
  /// may be first for 0.2 to 1 s, lets the others pass for nine times as long, and then gives way
  /// to another such. One who is stopped (SIGSTOP) is passed after two seconds, where leases have
  /// messages (on Linux, but for those by lock file: after ten). Throws HostError at once if a host
  /// of the request is wrong, DescriptorLimitError if the process or system has no descriptor left,
  /// NoPortAvailableError when the wait time is up, or at once if this user may not bind so many of
  /// the ports.
  TCPPortOwner allocate(const PortRequest& request = {});

  /// As many ports at once, all or none. Throws as allocate(), and PortSpecificationError if the
  /// pool has fewer.
  std::vector<TCPPortOwner> allocateSeveral(std::size_t count, const PortRequest& request = {});

  /// As many consecutive ports, ascending, all or none, somewhere in the pool: a block is not
  /// chosen by least recent use. Throws as allocate(), and PortSpecificationError if the pool has
  /// no such run. Of Google's portserver, which gives single ports, some hundred are drawn to find
  /// consecutive ones; then throws NoPortAvailableError.
  std::vector<TCPPortOwner> allocateBlock(std::size_t count, const PortRequest& request = {});

  /// The ports that the pool was given; all, if it draws them from a server.
  const PortSet& ports() const noexcept;

  /// What fixes the order of its ports: the option, or the number chosen in its place.
  std::uint64_t seed() const noexcept;

  PortPoolStatistics statistics() const;

 private:
  class Impl;
  explicit PortPool(std::shared_ptr<Impl> impl) noexcept;
  static PortPool& builtForProcess();
  friend class detail::Allocation;
  friend class PortSearch;
  friend class PortWait;

  static std::vector<TCPPortOwner> owning(
      std::vector<std::unique_ptr<detail::Allocation>> allocations);

  std::shared_ptr<Impl> impl_;
};

}  // namespace portpool
