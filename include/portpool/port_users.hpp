#pragma once

#include <portpool/cpp17.hpp>

#include <portpool/port_request.hpp>
#include <portpool/port_set.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// Who uses which ports, as far as the system lets this process see it. All of it is of this
// process's network, and thread-safe.

namespace portpool {

/// Whoever uses a port, by one lease or socket.
struct PortUser {
  enum class Use {
    Leases,         ///< has the number from portpool, for whatever transport
    Listens,        ///< or is bound, for UDP
    Binds,          ///< for TCP, and neither listens nor is connected
    HasConnection,  ///< that it has open
    Lingers,        ///< a connection that no process has open any more, TIME_WAIT among them
  };

  std::uint16_t port;
  Use use;
  Transport transport = Transport::TCP;  ///< of the socket; Both of a lease
  int pid = 0;  ///< 0 for what lingers, and for a process that this user may not look at
  std::optional<unsigned> userId{};  ///< of the process, if the system tells it
  std::string command{};             ///< its command line, printable, cut after 16 KiB; "" if
                                     ///< it is not known
  bool isThisProcess = false;
  bool isExiting = false;  ///< as far as the system shows it: it has no memory, but still its
                           ///< sockets; true of what lingers

  /// For a message: "pid 42 (redis-server *:20000)", "a process that this user may not look at"; ""
  /// for what lingers.
  std::string process() const;
};

enum class UserSearch {
  Sockets,           ///< whoever has sockets on the ports
  SocketsAndLeases,  ///< and whoever leases them
};

/// Who uses the ports, or nothing if the system does not show any program's sockets, or the leases
/// that are asked for. Throws DescriptorLimitError.
std::optional<std::vector<PortUser>> usersOfPorts(const PortSet& ports, UserSearch search);

/// The ports that are leased, by whatever process, of either kind of lease; nothing if the system
/// does not show them: without a /proc, for one.
std::optional<PortSet> leasedPorts();

/// How many leases this process is shown of other networks: those of containers and isolated tests,
/// which are none of this network's ports.
std::size_t countLeasesOfOtherNetworks();

enum class LeaseKind {
  AbstractName,  ///< of an AF_UNIX socket, which `ss -xa` shows
  LockFile,      ///< a lock in /tmp/portpool.lock, where the system refuses AF_UNIX names
};

/// The kind of lease that this process takes. Throws PortPoolError if it can take none.
LeaseKind leaseKind();

}  // namespace portpool
