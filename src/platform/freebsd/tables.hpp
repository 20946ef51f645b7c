#pragma once

// The kernel's tables, as sysctl shows them.

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace portpool::platform {

/// What the sysctl of that name holds, or nothing if the system does not show it.
std::optional<std::string> readTable(const char* name);
std::optional<std::string> readTable(std::vector<int> name);

/// A socket that a process has open.
struct OpenSocket {
  int process;
  kvaddr_t address;  ///< in the kernel
};

/// The sockets that are open, of the processes that this user may see; nothing if
/// the system does not show them.
std::optional<std::vector<OpenSocket>> openSockets();

}  // namespace portpool::platform
