#pragma once

#include <portpool/port_set.hpp>

#include <cstdint>
#include <vector>

namespace portpool {

/// The ports all of whose connections linger, so that a server that sets SO_REUSEADDR can bind
/// them: those first that the system forgets first, as old as their youngest connection.
std::vector<std::uint16_t> lingeringPorts(const PortSet& ports);

}  // namespace portpool
