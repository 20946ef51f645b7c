#pragma once

#include <sys/types.h>

#include <optional>
#include <vector>

namespace portpool::platform {

/// A socket that a process has open.
struct OpenSocket {
  int process;
  kvaddr_t address;  ///< in the kernel
};

/// Those of the processes that this user may see, or nothing if the system does not show them.
std::optional<std::vector<OpenSocket>> openSockets();

}  // namespace portpool::platform
