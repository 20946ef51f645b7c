#pragma once

#include <cstdint>

namespace portpool::platform {

/// Whether some process has leased the key. Throws PortPoolError.
bool isLeased(std::uint64_t key);

/// Whether it is by this process, as far as this copy of the library knows.
bool isLeasedByThisProcess(std::uint16_t port);

}  // namespace portpool::platform
