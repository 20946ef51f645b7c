#pragma once

#include <cstdint>
#include <string>

namespace portpool::platform {

/// The abstract name, without its leading NUL, that stands for a key.
std::string abstractNameOf(std::uint64_t key);

}  // namespace portpool::platform
