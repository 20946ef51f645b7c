#pragma once

// Requests and the users of ports, in the words of messages.

#include <portpool/port_request.hpp>
#include <portpool/port_set.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

namespace portpool {

/// "TCP port", "set of 3 UDP ports", "block of 3 consecutive TCP ports".
std::string kindOf(const PortRequest& request, std::size_t count, bool isBlock);

/// "all 3 ports of the pool (20000-20002) are taken: 20000-20002 by pid 17 (redis-server)". If
/// several are needed, only some may be taken.
std::string describeHolders(const PortSet& ports, bool isOneNeeded);

/// The processes that have sockets on the port: "pid 17 (redis-server), pid 18 (nginx)".
std::string describeTakers(std::uint16_t port);

}  // namespace portpool
