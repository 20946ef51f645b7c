#pragma once

#include <portpool/cpp17.hpp>

#include <string>
#include <vector>

namespace portpool {

/// The IP versions that a port must be free for.
enum class AddressFamily {
  Any,   ///< both, at the price of one; IPv4 alone where the kernel has no IPv6
  IPv4,  ///< IPv4 only
  IPv6,  ///< IPv6 only
};

/// The protocols that a port must be free for.
enum class Transport {
  TCP,
  UDP,
  Both,  ///< one number, free for both
};

/// Whether portpool itself keeps the port bound, never listening, for as long as it is owned. A
/// connection to a held port is refused until a server listens on it. Only TCP ports are held: a
/// second UDP socket on a port would take its server's datagrams.
enum class Hold {
  None,       ///< the number is leased, not bound
  Shared,     ///< a server can bind it if it sets SO_REUSEADDR, or SO_REUSEPORT as the same user
  Exclusive,  ///< nobody can bind it; as with `avoidTimeWait`
};

/// What a caller asks of a port.
struct PortRequest {
  /// The addresses on which the port must be free when it is handed out: addresses or names of this
  /// machine, "" for all of its addresses. "localhost" is the loopback address, without asking a
  /// resolver. From PySys, where these are the default too.
  std::vector<std::string> hosts = {"", "localhost"};

  AddressFamily family = AddressFamily::Any;

  /// Never hand out a port that still has connections in TIME_WAIT. Without it such ports are
  /// handed out when no other is left: a server that sets SO_REUSEADDR can bind them.
  bool avoidTimeWait = false;

  Transport transport = Transport::TCP;

  Hold hold = Hold::None;

  /// What messages call the port, beside its number. getNamedTCPPort and the like set it.
  std::string name{};
};

}  // namespace portpool
