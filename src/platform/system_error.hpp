#pragma once

#include <string>

namespace portpool::platform {

/// Throws the exception for the failed system call `call` and its error, as the system numbers
/// them: DescriptorLimitError if there was no descriptor left, otherwise PortPoolError.
[[noreturn]] void throwSystemError(const std::string& call, int error);

}  // namespace portpool::platform
