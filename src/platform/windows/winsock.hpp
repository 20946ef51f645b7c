#pragma once

// What the files that use Winsock share.

#include "windows.hpp"

#include <portpool/port_request.hpp>

namespace portpool::platform {

/// Starts Winsock for this process, once; it is stopped when the process ends. Throws
/// PortPoolError.
void startWinsock();

inline int domainOf(AddressFamily family) {
  return family == AddressFamily::IPv4 ? AF_INET : AF_INET6;
}

}  // namespace portpool::platform
