#pragma once

#include "port_pool_impl.hpp"
#include "port_table.hpp"
#include "probe.hpp"

#include <portpool/port_request.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace portpool {

/// One caller's search of a pool for a port, a set or a block. Not thread-safe.
class PortSearch {
 public:
  /// Throws HostError.
  PortSearch(PortPool::Impl& pool, std::shared_ptr<const PortRequest> request, std::size_t count,
             bool isBlock);

  std::size_t count() const { return shape_.count; }
  std::string describe() const;  ///< its kind and its name

  enum class Reach {
    Fresh,       ///< ports that are not known to be taken
    Everything,  ///< leased and busy ports, too, and last those whose connections linger
  };

  /// Looks for all requested ports; returns none unless it finds all of them. Throws as
  /// PortPool::allocate() does.
  Allocations look(Reach reach);

  /// Whether other requests could be served after a look that failed: a port is free, and this
  /// request needs a set or a block, or all ports of the pool are busy. Marks fresh ports as Leased
  /// if somebody has their lease. Throws as look().
  bool arePortsLeft();

  /// Checks all hosts of the request, even if no port has been probed yet. Throws HostError if one
  /// is wrong.
  void checkHosts() { probe_.isFree(0); }

  /// The ports that this user may not bind, as far as the last look found any.
  const PortSet& forbidden() const { return forbidden_; }

 private:
  Allocations lookForSet(Reach reach);
  Allocations lookForBlock(Reach reach);
  /// Looks for a block of ports in `states`.
  Allocations lookForBlockOf(unsigned states);
  /// Takes the block from `first` on. Returns none, and the port that failed, unless all are free.
  Allocations tryBlock(std::uint16_t first, std::uint16_t& failed);

  /// Leases and probes one port, taken from the table. If the port is neither free nor lingering,
  /// puts it back into the table and returns null.
  std::unique_ptr<detail::Allocation> tryPort(std::uint16_t port, bool wasLeased);

  /// Looks up the ports that linger.
  void findLingering();
  bool isLingering(std::uint16_t port) const;

  PortPool::Impl& pool_;
  std::shared_ptr<const PortRequest> request_;
  BlockShape shape_;
  bool isBlock_;
  Probe probe_;
  std::vector<std::uint16_t> lingering_;  // oldest first; empty until they are looked up
  std::vector<bool> isLingering_;         // the same, by port
  PortSet forbidden_;
};

}  // namespace portpool
