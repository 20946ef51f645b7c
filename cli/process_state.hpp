#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace portpool::cli {

struct ProcessState {
  pid_t parent = 0;
  bool isFork = false;      ///< forked by its parent, and still running the same program
  std::uint64_t start = 0;  ///< in ticks of the clock since the system's start
};

/// What /proc shows of the process; all defaults if it shows nothing.
ProcessState stateOf(pid_t pid);

/// The path of the program that the process runs; "" if the system does not tell.
std::string programOf(pid_t pid);

/// The pid of a process in its own pid namespace, if that is within this process's.
std::optional<pid_t> pidInNamespace(pid_t pid);

/// Returns a descriptor of the process, which is readable when it has ended, or -1 and errno.
int openProcess(pid_t pid);

}  // namespace portpool::cli
