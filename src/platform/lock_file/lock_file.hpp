#pragma once

#include "platform/lease.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace portpool::platform {

/// Where all processes of the machine have their leases.
inline constexpr const char* kLockFile = "/tmp/portpool.lock";

/// The offset that stands for a key in a lock file. No two lie side by side: locks that do become
/// one, and to end half of it takes memory.
constexpr std::uint64_t lockOffset(std::uint64_t key) { return key << 1; }

/// Leases by byte-range locks in the file at `path`. The file is created, writable by every user,
/// if it does not exist or has been removed. Throws DescriptorLimitError, and PortPoolError if the
/// file cannot be opened.
std::unique_ptr<LeaseRegistry> makeLockFileRegistry(const std::string& path);

/// Throws PortPoolError unless the system has such locks: one of an open file keeps another open
/// file off. The file is there.
void checkLocks(const std::string& path);

}  // namespace portpool::platform
