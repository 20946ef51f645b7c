#pragma once

#include "platform/socket_address.hpp"

#include <portpool/port_request.hpp>
#include <portpool/port_set.hpp>
#include <portpool/port_users.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace portpool::platform {

/// A socket on one of this machine's ports.
struct PortSocket {
  enum class State {
    Listening,  ///< or bound, for UDP
    Bound,      ///< for TCP, and neither listening nor connected
    Connected,  ///< a connection that a process has open
    Lingering,  ///< a connection that no process has open any more, TIME_WAIT among them
  };

  std::uint16_t port;
  SocketAddress address;  ///< its own
  State state;
  std::chrono::milliseconds left;  ///< how long the system keeps a connection in TIME_WAIT
  unsigned long inode;             ///< its number, for findUsers(); 0 if no process has it open
  unsigned userId;                 ///< whose it is, if a process has it open
};

/// How a socket in that state uses its port.
PortUser::Use useOf(PortSocket::State state);

/// A use of which the process is not known.
PortUser unknownUser(std::uint16_t port, PortUser::Use use, Transport transport);

/// The sockets of the transport that the system shows on the ports, or nothing if the system does
/// not show any program's sockets. Some systems do not show sockets that are bound only.
/// Connections in TIME_WAIT are left out on systems where every socket can be bound beside them, so
/// that they do not explain why a port is busy. Throws DescriptorLimitError.
std::optional<std::vector<PortSocket>> socketsOn(const PortSet& ports, Transport transport);

// These functions implement the public ones: usersOfPorts(), leasedPorts() and
// countLeasesOfOtherNetworks().

std::optional<std::vector<PortUser>> findUsers(const PortSet& ports, UserSearch search);
std::optional<PortSet> findLeases();
std::size_t countForeignLeases();

}  // namespace portpool::platform
