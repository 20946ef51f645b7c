#pragma once

#include "commands.hpp"

#include <portpool/portpool.hpp>

#include <vector>

namespace portpool::cli {

/// The ports that the options ask for, of this process's pool. Throws as PortPool::allocate().
std::vector<TCPPortOwner> takePorts(const PortOptions& options, Hold hold = Hold::None);

}  // namespace portpool::cli
