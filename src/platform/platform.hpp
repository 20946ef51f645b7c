#pragma once

// Everything that the core needs from the operating system, with one header for each subject. A
// folder for each system implements them.

#include "platform/files.hpp"
#include "platform/fork.hpp"
#include "platform/lease.hpp"
#include "platform/port_users.hpp"
#include "platform/probe.hpp"
#include "platform/socket.hpp"

#include <portpool/port_set.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portpool::platform {

/// Writes the text to stderr, in one piece if the system can, at any time in the process's life.
void writeToStderr(const std::string& text) noexcept;

/// The processor time that this thread has used.
std::chrono::nanoseconds threadTime() noexcept;

/// An unpredictable number. Throws PortPoolError.
std::uint64_t randomNumber();

/// The names of this process's environment variables that begin with `prefix`.
std::vector<std::string> environmentNames(std::string_view prefix);

/// The arguments of this process, without the program's name; none if the system does not show
/// them.
std::vector<std::string> arguments();

/// The process ID of this process.
int pid() noexcept;

/// Whether the process has exited, whether or not it has been reaped.
bool hasExited(int pid);

/// Reads the range of ephemeral ports from the file at `path`; nullopt if it does not exist. Throws
/// PortRangeUnknownError.
std::optional<PortRange> readEphemeralRange(const std::string& path);

/// The system's file of that range.
std::string ephemeralRangeFile();

/// Moves this process into user and network namespaces of its own, with loopback up. If it throws
/// IsolationError, the process stays where it was.
void isolate();

}  // namespace portpool::platform
