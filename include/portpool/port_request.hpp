#pragma once

#include <string>
#include <vector>

namespace portpool {

/// The IP versions that a port must be free for.
enum class AddressFamily {
  Any,   ///< both, at the price of one; IPv4 alone where the kernel has no IPv6
  IPv4,  ///< IPv4 only
  IPv6,  ///< IPv6 only
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
};

}  // namespace portpool
