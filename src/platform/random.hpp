#pragma once

#include <cstdint>

namespace portpool::platform {

/// An unpredictable number. Throws PortPoolError.
std::uint64_t randomNumber();

}  // namespace portpool::platform
