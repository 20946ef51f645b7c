#pragma once

#include <atomic>

namespace portpool::platform {

/// How many networks this process has left, by isolate(). A socket that it opened in one of them
/// still belongs to that network.
inline std::atomic<int> networksLeft{0};

}  // namespace portpool::platform
