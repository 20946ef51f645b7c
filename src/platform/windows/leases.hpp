#pragma once

#include <cstdint>

namespace portpool::platform {

/// Whether some process has leased the key. Throws PortPoolError.
bool isLeased(std::uint64_t key);

}  // namespace portpool::platform
