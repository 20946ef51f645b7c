#pragma once

#include "platform/fork.hpp"
#include "platform/lease.hpp"
#include "platform/private_socket.hpp"
#include "port_table.hpp"
#include "waiting_line.hpp"

#include <portpool/port_pool.hpp>
#include <portpool/port_pool_options.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace portpool {

class PortSearch;

namespace detail {

/// A port that is taken from its pool, with its lease and its hold, until the pool takes it back.
/// It belongs to the process that took it: destroying a forked child's copy has no effect.
class Allocation {
 public:
  Allocation(std::shared_ptr<PortPool::Impl> pool, std::shared_ptr<const PortRequest> request,
             std::uint16_t port, std::unique_ptr<platform::Lease> lease,
             std::vector<platform::PrivateSocket> hold) noexcept;
  ~Allocation();

  const PortRequest& request() const { return *request_; }
  std::uint16_t port() const { return port_; }
  bool isOfThisProcess() const { return process_ == platform::currentProcess(); }

  /// The sockets that hold the port; none in a forked child.
  const std::vector<platform::PrivateSocket>& hold() const;
  void endHold() { hold_.clear(); }

  /// Marks the port as given to a caller: only the return of such a port sends a message to the
  /// front of the line.
  void handOut() noexcept { isHandedOut_ = true; }
  bool isHandedOut() const { return isHandedOut_; }

 private:
  std::shared_ptr<PortPool::Impl> pool_;
  std::shared_ptr<const PortRequest> request_;
  std::uint64_t process_ = platform::currentProcess();
  std::uint16_t port_;
  bool isHandedOut_ = false;
  std::unique_ptr<platform::Lease> lease_;
  std::vector<platform::PrivateSocket> hold_;
};

}  // namespace detail

/// Whether this process has ports, of any pool.
bool processHasPorts() noexcept;

using Allocations = std::vector<std::unique_ptr<detail::Allocation>>;

struct PortPool::Share {
  std::shared_ptr<Impl> impl;
};

class PortPool::Impl : public std::enable_shared_from_this<PortPool::Impl> {
 public:
  Impl(PortSet ports, const PortPoolOptions& options);

  /// Serves every request: for a port, a set, or a block. Throws as PortPool::allocateBlock().
  Allocations allocate(const PortRequest& request, std::size_t count, bool isBlock);
  static std::vector<TCPPortOwner> owning(Allocations allocations);
  void takeBack(const detail::Allocation& allocation) noexcept;

  const PortSet& ports() const { return ports_; }
  std::uint64_t seed() const { return seed_; }
  PortPoolStatistics statistics();

  platform::LeaseRegistry& registry() const { return *registry_; }
  const WaitingLine& line() const { return line_; }
  std::chrono::milliseconds waitTime() const { return waitTime_; }

  /// To be called when a message says that the port was returned.
  void markReturned(std::uint16_t port);

  /// Calls `use` with exclusive access to the table and returns its result. `use` must not make
  /// system calls.
  template <class Use>
  auto withTable(const Use& use) -> decltype(use(std::declval<PortTable&>()));

 private:
  /// The request with this pool's defaults. Throws PortSpecificationError if it cannot be met.
  std::shared_ptr<const PortRequest> completed(const PortRequest& request) const;
  /// Throws PortSpecificationError if the pool can never have so many ports, in this shape.
  void checkShape(const PortRequest& request, std::size_t count, bool isBlock);
  /// In a forked child, leaves the taken ports to the parent and counts anew. To be called under
  /// CoreLock.
  void noticeFork() noexcept;

  const PortSet ports_;
  const std::uint64_t seed_;
  const std::chrono::milliseconds waitTime_;
  const bool verbose_;
  const bool hold_;
  const std::unique_ptr<platform::LeaseRegistry> registry_;
  const WaitingLine line_;

  // Guarded by platform::CoreLock.
  PortTable table_;
  PortPoolStatistics statistics_;
  std::uint64_t process_ = platform::currentProcess();
};

template <class Use>
auto PortPool::Impl::withTable(const Use& use) -> decltype(use(std::declval<PortTable&>())) {
  const platform::CoreLock lock;
  noticeFork();
  return use(table_);
}

}  // namespace portpool
