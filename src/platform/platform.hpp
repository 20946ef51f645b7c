#pragma once

// All that the core asks of the operating system: a header for each subject. A folder for each
// system implements them.

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

/// Writes the text to stderr, in one piece where the system can, at any moment of the process's
/// life.
void writeToStderr(const std::string& text) noexcept;

/// The processor time that this thread has used.
std::chrono::nanoseconds threadTime() noexcept;

/// A number that nobody can foresee. Throws PortPoolError.
std::uint64_t randomNumber();

/// The names of this process's environment variables that begin with `prefix`.
std::vector<std::string> environmentNames(std::string_view prefix);

/// The arguments that this process was started with, after the program's name; none where the
/// system does not tell.
std::vector<std::string> arguments();

/// The number by which the system knows this process.
int pid() noexcept;

/// Whether the process has exited, reaped or not.
bool hasExited(int pid);

/// Reads the range of ephemeral ports from the file at `path`; nullopt if it does not exist. Throws
/// PortRangeUnknownError.
std::optional<PortRange> readEphemeralRange(const std::string& path);

/// The system's file for it.
std::string ephemeralRangeFile();

/// Moves this process into user and network namespaces of its own, with loopback up. Throws
/// IsolationError, and then leaves the process where it was.
void isolate();

}  // namespace portpool::platform
