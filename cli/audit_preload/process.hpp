#pragma once

#include <cstdint>

namespace portpool::audit {

/// Learns what follows.
void readProcess();

/// The file that this process runs, and its command line, as they were when it began.
const char* program();
const char* command();

/// The path of the log, or "" if there is none.
const char* logPath();

/// What tells this process from others of its pid, which may be in another namespace, or gone. May
/// change errno.
std::uint64_t processStart();

/// A place in a file that the process has loaded.
struct Place {
  const char* module = "";
  std::uint64_t offset = 0;
};

Place placeOf(const void* address);

}  // namespace portpool::audit
