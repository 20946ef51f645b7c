#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace portpool::platform {

/// The process ID of this process.
int pid() noexcept;

/// Whether the process has exited, whether or not it has been reaped.
bool hasExited(int pid);

/// The arguments of this process, without the program's name; none if the system does not show
/// them.
std::vector<std::string> arguments();

/// The processor time that this thread has used.
std::chrono::nanoseconds threadTime() noexcept;

/// Writes the text to stderr, in one piece if the system can, at any time in the process's life.
void writeToStderr(const std::string& text) noexcept;

}  // namespace portpool::platform
