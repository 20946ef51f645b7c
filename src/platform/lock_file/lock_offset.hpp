#pragma once

#include <cstdint>

namespace portpool::platform {

/// Where the processes have their locks that the system refuses the usual leases.
inline constexpr const char* kLockFile = "/tmp/portpool.lock";

/// The offset in a lock file that stands for a key in a network. No two lie side by side: locks
/// that do become one, and to end half of it takes memory.
constexpr std::uint64_t lockOffset(std::uint64_t network, std::uint64_t key) {
  return network << 32 | key << 1;
}

/// A network that no process is in.
inline constexpr std::uint64_t kNoNetwork = 0x7fffffff;

/// What stands for a network there, of its cookie or the inode of its namespace.
constexpr std::uint64_t lockNetwork(std::uint64_t id) { return id & 0x7fffffff; }

}  // namespace portpool::platform
