#pragma once

// What macOS shows of other processes: little of another user's, except to root.

#include <optional>
#include <string>
#include <vector>

namespace portpool::platform {

std::vector<int> processes();

/// The process's descriptors that are sockets.
std::vector<int> socketsOf(int process);

/// Its command line, or else its name; "" if it is not known.
std::string commandOf(int process);

/// The user as whom it runs.
std::optional<unsigned> userOf(int process);

/// Whether it has begun to exit, or is not shown any more.
bool isExiting(int process);

}  // namespace portpool::platform
