#pragma once

// What the POSIX systems share beneath the seam.

#include <cstdint>
#include <string>

namespace portpool::platform {

/// Throws what the failed system call `call` means: DescriptorLimitError if there was no descriptor
/// left, otherwise PortPoolError.
[[noreturn]] void throwSystemError(const std::string& call, int error);

/// A number below 2^32 that stands for the network that this process's ports are in.
std::uint64_t networkId();

/// The offset in a lock file that stands for a key in a network.
constexpr std::uint64_t lockOffset(std::uint64_t network, std::uint64_t key) {
  return network << 23 | key;
}

}  // namespace portpool::platform
