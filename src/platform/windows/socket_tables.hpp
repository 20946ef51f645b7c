#pragma once

#include "platform/port_users.hpp"

#include <optional>
#include <vector>

namespace portpool::platform {

struct OwnedSocket {
  PortSocket socket;
  int pid;            ///< 0 if no process has it open
  bool isInTimeWait;  ///< so that each can bind beside it
};

/// The sockets of the transport on the ports, with their processes, or nothing if the system does
/// not show them. It does not show TCP sockets that are bound only.
std::optional<std::vector<OwnedSocket>> ownedSocketsOn(const PortSet& ports, Transport transport);

}  // namespace portpool::platform
