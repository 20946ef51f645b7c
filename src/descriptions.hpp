#pragma once

// Requests and the users of ports, in the words of messages.

#include <portpool/port_request.hpp>
#include <portpool/port_set.hpp>
#include <portpool/port_users.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace portpool {

/// "TCP port", "set of 3 UDP ports", "block of 3 consecutive TCP ports".
std::string kindOf(const PortRequest& request, std::size_t count, bool isBlock);

/// "taken ports of the pool (20000-20002): 20000-20001 by pid 17 (redis-server); 20002 by pid 18
/// (nginx)". If one port is needed, all are taken.
std::string describeHolders(const PortSet& ports, bool isOneNeeded);

/// The processes that use the port in one of these ways, each once: "pid 17 (redis-server), pid 18
/// (nginx)"; "" if there are none.
std::string processesOn(std::uint16_t port, const std::vector<PortUser>& users,
                        const std::vector<PortUser::Use>& uses);

}  // namespace portpool
