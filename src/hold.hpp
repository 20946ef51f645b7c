#pragma once

#include "platform/private_socket.hpp"
#include "platform/socket.hpp"

#include <portpool/port_request.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace portpool {

/// Opens an exclusive hold to servers with SO_REUSEADDR or SO_REUSEPORT.
void shareHold(const std::vector<platform::PrivateSocket>& hold);

/// Binds the port on the host with SO_REUSEADDR, beside this process's own hold, which it shares,
/// and listens; returns the socket, or none if another program has the port. Throws HostError,
/// DescriptorLimitError, or PortPoolError if the system fails otherwise.
platform::Socket listenOn(std::uint16_t port, const std::string& host, AddressFamily family,
                          int backlog, const std::vector<platform::PrivateSocket>& hold);

}  // namespace portpool
