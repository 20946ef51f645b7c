#pragma once

// Locks of single bytes of a file. They belong to the open file, that is, to all descriptors that
// are copies of one, and end with the last of these. Each function returns 0 or the error.

#include <cstdint>

namespace portpool::platform {

/// Fails with EAGAIN or EACCES if another open file has locked the byte.
int lockByte(int file, std::uint64_t byte) noexcept;

int unlockByte(int file, std::uint64_t byte) noexcept;

/// Finds out whether another open file has locked the byte.
int findLock(int file, std::uint64_t byte, bool& isLocked) noexcept;

}  // namespace portpool::platform
