#pragma once

// The kernel's tables, as sysctl shows them.

#include <optional>
#include <string>
#include <vector>

namespace portpool::platform {

/// What the sysctl of that name holds, or nothing if the system does not show it.
std::optional<std::string> readTable(const char* name);
std::optional<std::string> readTable(std::vector<int> name);

}  // namespace portpool::platform
