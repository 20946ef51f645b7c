#pragma once

// What the POSIX systems share beneath the seam.

#include <string>

namespace portpool::platform {

/// Throws what the failed system call `call` means: DescriptorLimitError if there was no descriptor
/// left, otherwise PortPoolError.
[[noreturn]] void throwSystemError(const std::string& call, int error);

}  // namespace portpool::platform
