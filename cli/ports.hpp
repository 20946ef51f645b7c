#pragma once

#include "commands.hpp"

#include <portpool/portpool.hpp>

#include <vector>

namespace portpool::cli {

/// Throws UsageError if the options contradict each other.
void checkPorts(const PortOptions& options);

/// Takes the ports that the options ask for from this process's pool. Throws as
/// PortPool::allocate() does.
std::vector<TCPPortOwner> takePorts(const PortOptions& options, Hold hold = Hold::None);

}  // namespace portpool::cli
