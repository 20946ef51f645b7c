#pragma once

#include <portpool/cpp17.hpp>

#include <portpool/port_request.hpp>
#include <portpool/sockets.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace portpool {

namespace detail {
class Allocation;
}

/// Owns one TCP port: no other portpool process, thread or user on this machine is given its number
/// until the owner is cleaned up or destroyed. The port is not bound: see PortPool::allocate.
/// Move-only; a moved-from owner owns nothing. One object is not for several threads at once.
/// From PySys.
class TCPPortOwner {
 public:
  /// Allocate from this process's pool. Throws as PortPool::process() and PortPool::allocate().
  TCPPortOwner();
  explicit TCPPortOwner(std::vector<std::string> hosts, AddressFamily family = AddressFamily::Any);
  explicit TCPPortOwner(const PortRequest& request);

  TCPPortOwner(TCPPortOwner&& other) noexcept;
  TCPPortOwner& operator=(TCPPortOwner&& other) noexcept;
  ~TCPPortOwner();

  /// The port, or 0 if this owner owns none (any more).
  std::uint16_t port() const noexcept;

  /// What was asked for. Only while a port is owned.
  const std::vector<std::string>& hosts() const noexcept;
  AddressFamily family() const noexcept;

  /// Returns a TCP socket that listens on the port, on `host` ("" for every address of the owner's
  /// family). It has SO_REUSEADDR set and is close-on-exec. An owner with Hold::Shared keeps its
  /// hold until the socket listens and after, so there is no moment at which the port is free; an
  /// exclusive hold becomes a shared one. A port that is only leased may have been taken by a
  /// program outside portpool since it was handed out: then throws PortPoolError. Throws HostError
  /// if the host is none of this machine's.
  ListeningSocket listen(const std::string& host = "localhost", int backlog = 128);

  /// Returns the port to its pool, last in its order, and ends the lease. Does nothing if no port
  /// is owned. In a forked child, gives up the child's copy only: the parent's lease stays.
  void cleanup() noexcept;

 private:
  friend class PortPool;
  friend class PortScope;
  explicit TCPPortOwner(std::unique_ptr<detail::Allocation> allocation) noexcept;

  std::unique_ptr<detail::Allocation> allocation_;
};

}  // namespace portpool
