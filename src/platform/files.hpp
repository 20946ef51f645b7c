#pragma once

#include <cstddef>
#include <limits>
#include <string>

namespace portpool::platform {

/// Reads the file, up to `most` bytes of it, by a descriptor that no child sees after its exec. It
/// waits for nobody: a FIFO without a writer is empty. Returns 0 or the error.
int readFile(const std::string& path, std::string& text,
             std::size_t most = std::numeric_limits<std::size_t>::max());

}  // namespace portpool::platform
