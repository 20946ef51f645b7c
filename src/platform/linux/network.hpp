#pragma once

#include <atomic>

namespace portpool::platform {

/// How many networks this process has left, by isolate(): what it has opened in one of them still
/// belongs to that one.
inline std::atomic<int> networksLeft{0};

}  // namespace portpool::platform
