#pragma once

#include <portpool/cpp17.hpp>

#include <portpool/pimpl.hpp>
#include <portpool/port_request.hpp>
#include <portpool/sockets.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace portpool::detail {
class Allocation;
struct ScopeState;
}  // namespace portpool::detail

#pragma GCC visibility push(default)
namespace portpool {

/// Owns one port: no other process, thread or user of portpool on this machine is given its number
/// until the owner is cleaned up or destroyed. The port is not bound: see PortPool::allocate.
/// Move-only; a moved-from owner owns nothing. An object must not be used by several threads at
/// once. From PySys.
class TCPPortOwner {
 public:
  /// These allocate from this process's pool. They throw as PortPool::process() and
  /// PortPool::allocate() do.
  TCPPortOwner();
  explicit TCPPortOwner(std::vector<std::string> hosts, AddressFamily family = AddressFamily::Any);
  explicit TCPPortOwner(const PortRequest& request);

  TCPPortOwner(TCPPortOwner&& other) noexcept;
  TCPPortOwner& operator=(TCPPortOwner&& other) noexcept;
  ~TCPPortOwner();

  /// The port, or 0 if this owner owns none.
  std::uint16_t port() const noexcept;

  /// What was requested. To be called only while a port is owned.
  const std::vector<std::string>& hosts() const noexcept;
  AddressFamily family() const noexcept;

  /// Returns a TCP socket that listens on the port, on `host` ("" for every address of the owner's
  /// family). The socket has SO_REUSEADDR set and is close-on-exec. An owner with Hold::Shared
  /// keeps its hold, so the port is never free; an exclusive hold becomes a shared one, even if
  /// this throws. If the port is only leased, a program that does not use portpool may have taken
  /// it since it was handed out; then throws PortPoolError. Throws HostError if the host is not an
  /// address of this machine.
  ListeningSocket listen(const std::string& host = "localhost", int backlog = 128);

  /// Returns the port to the end of its pool's order, and ends the lease. Does nothing if no port
  /// is owned. In a forked child, gives up only the child's copy: the parent's lease stays.
  void cleanup() noexcept;

 private:
  friend class PortPool;
  friend struct detail::ScopeState;
  explicit TCPPortOwner(detail::Pimpl<detail::Allocation> allocation) noexcept;

  detail::Pimpl<detail::Allocation> allocation_;
};

}  // namespace portpool
#pragma GCC visibility pop
