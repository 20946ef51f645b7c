#pragma once

#include <portpool/port_set.hpp>

#include <cstdint>
#include <vector>

namespace portpool {

/// The ports on which all connections linger, so that a server that sets SO_REUSEADDR can bind
/// them. The ports that the system will release first come first; a port is as old as its youngest
/// connection.
std::vector<std::uint16_t> lingeringPorts(const PortSet& ports);

}  // namespace portpool
