#pragma once

#include "scratch.hpp"

#include <climits>
#include <cstddef>
#include <cstdint>

namespace portpool::audit {

/// Learns what follows.
void readProcess();

/// The file that this process runs, and its command line, as they were when it began.
const char* program();
const char* command();

/// The path of the log, or "" if there is none.
const char* logPath();

/// The path of this library, as it is preloaded.
const char* libraryPath();

/// What tells this process from others of its pid, which may be in another namespace, or gone. May
/// change errno.
std::uint64_t processStart();

/// A place in a file that the process has loaded, as the system knows it. The loader is not asked:
/// in a forked child its locks are held for ever by threads of the parent. May change errno.
class Place {
 public:
  explicit Place(const void* address);

  /// "" if it is not known.
  const char* module() const { return module_; }
  std::uint64_t offset() const { return offset_; }

 private:
  struct Maps {
    char text[2 * PATH_MAX];  // more than the longest line
  };

  /// Whether the mapping that the line describes has the address; the place is known then.
  bool readLine(const char* line, std::uintptr_t address);

  Scratch<Maps> maps_;
  const char* module_ = "";
  std::uint64_t offset_ = 0;
};

}  // namespace portpool::audit
