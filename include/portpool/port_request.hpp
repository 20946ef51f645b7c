#pragma once

#include <portpool/cpp17.hpp>

#include <cstdint>
#include <string>
#include <vector>

#pragma GCC visibility push(default)
namespace portpool {

/// The IP versions for which a port must be free.
enum class AddressFamily {
  Any,   ///< both families, no slower than one; only IPv4 if the kernel has no IPv6
  IPv4,  ///< IPv4 only
  IPv6,  ///< IPv6 only
};

/// The protocols for which a port must be free.
enum class Transport {
  TCP,
  UDP,
  Both,  ///< one number that is free for both
};

/// Whether portpool keeps the port bound, without listening, for as long as it is owned. A
/// connection to a held port is refused until a server listens on it. Only TCP ports can be held: a
/// second UDP socket on a port would receive its server's datagrams.
enum class Hold {
  None,       ///< the number is leased, not bound
  Shared,     ///< bindable by servers that set SO_REUSEADDR, or SO_REUSEPORT as the same user
  Exclusive,  ///< nobody can bind it; implies `avoidTimeWait`
};

namespace detail {
std::vector<std::string> defaultHosts();
}

/// What a caller requires of a port.
struct PortRequest {
  /// Where the port must be free when it is handed out: addresses or names of this machine, or ""
  /// for all of its addresses. "localhost" is the loopback address and is not looked up. From
  /// PySys, which has the same default: {"", "localhost"}.
  std::vector<std::string> hosts = detail::defaultHosts();

  AddressFamily family = AddressFamily::Any;

  /// Never hand out a port that still has connections in TIME_WAIT. Otherwise such ports are handed
  /// out when no other is left; a server that sets SO_REUSEADDR can bind them.
  bool avoidTimeWait = false;

  Transport transport = Transport::TCP;

  Hold hold = Hold::None;

  /// The port, or the first port of a block, is a multiple of this number: 2 for RTP, whose RTCP
  /// port is the next one (RFC 3550, section 11).
  std::uint16_t multipleOf = 1;

  /// The distance between the ports of a block: 10000 for a block of two that a node of a Redis
  /// cluster needs: its port and the port of its bus.
  std::uint16_t distance = 1;

  /// The port's name in messages. Set by getNamedTCPPort and its relatives.
  std::string name{};
};

namespace detail {
/// A request for a port that is free for TCP on every address.
const PortRequest& defaultRequest();
}  // namespace detail

}  // namespace portpool
#pragma GCC visibility pop
