#pragma once

#include <portpool/cpp17.hpp>

#include <portpool/port_request.hpp>
#include <portpool/port_set.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// Who uses which ports, as far as the system lets this process see it, in this process's network.
// All functions are thread-safe.

#pragma GCC visibility push(default)
namespace portpool {

/// One use of a port: a lease or a socket, and its process.
struct PortUser {
  enum class Use {
    Leases,         ///< leases the number from portpool, for any transport
    Listens,        ///< listens (TCP) or is bound (UDP)
    Binds,          ///< is bound for TCP, and neither listens nor is connected
    HasConnection,  ///< has a connection open
    Lingers,        ///< a connection that no process has open any more, as in TIME_WAIT
  };

  std::uint16_t port;
  Use use;
  Transport transport = Transport::TCP;  ///< of the socket; Both of a lease
  int pid = 0;  ///< 0 for what lingers, and for a process that this user may not look at
  std::optional<unsigned> userId{};  ///< of the process, if the system tells it
  std::string command{};             ///< its command line, printable, cut after 16 KiB; "" if
                                     ///< it is not known
  bool isThisProcess = false;
  bool isExiting = false;  ///< as far as the system shows: it has been killed, or has no memory any
                           ///< more, but still has its sockets; true if it lingers

  /// For a message: "pid 42 (redis-server *:20000)", "a process that the system does not show this
  /// user"; "" if it lingers.
  std::string process() const;
};

enum class UserSearch {
  Sockets,           ///< processes that have sockets on the ports
  SocketsAndLeases,  ///< and processes that lease them
};

/// Who uses the ports, or nothing if the system does not show any program's sockets, or the leases
/// that are asked for. Throws DescriptorLimitError.
std::optional<std::vector<PortUser>> usersOfPorts(const PortSet& ports, UserSearch search);

/// The ports that are leased, by whatever process; nothing if the system does not show leases, for
/// example because /proc is not mounted.
std::optional<PortSet> leasedPorts();

/// How many leases of other networks are visible to this process: leases of containers and isolated
/// tests, which do not concern the ports of this network.
std::size_t countLeasesOfOtherNetworks();

}  // namespace portpool
#pragma GCC visibility pop
