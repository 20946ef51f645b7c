#pragma once

// The log that the preloaded library writes and `portpool audit` reads: a line for each event, of
// fields separated by tabs. Whatever would break that in a field is written as '?'.
//
//   bind|connect tcp|udp PORT ADDRESS ERRNO LEASE EPHEMERAL NETWORK PID START PROGRAM COMMAND TEST
//                MODULE OFFSET
//   unseen PROGRAM REASON
//
// LEASE is the number of a Lease. EPHEMERAL is 1 for a bind to port 0, or else 0. NETWORK stands
// for a network namespace; PID and START for a process, of whatever namespace. OFFSET is the
// place in the file MODULE that the call returns to.

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace portpool::audit {

/// The environment variable with the path of the log.
inline constexpr const char* kLogVariable = "PORTPOOL_AUDIT";

/// That with the name of the running test; portpool's adapters set it, too.
inline constexpr const char* kTestVariable = "PORTPOOL_CURRENT_TEST";

/// The file of the preloaded library.
inline constexpr const char* kLibrary = "libportpool_audit.so";

/// The beginning of the log's file; the text follows. Every process of the command maps it as it
/// begins: whatever becomes of its descriptors, its user, its root folder and its limits, it can
/// write its lines then.
struct SharedLog {
  /// How much of the file a process maps for good: little, of which programs that lock their memory
  /// or have a limit notice nothing.
  static constexpr std::size_t kMapped = std::size_t{64} << 10;
  /// The largest file, which takes no more of the disk than is written to it.
  static constexpr std::size_t kMost = std::size_t{32} << 20;

  std::atomic<std::uint64_t> size;  // of the text; more than there is room for, once it is full
  std::atomic<std::uint64_t> lost;  // lines
  std::uint64_t fileSize;           // with the room that is left
  char unmapped[400];               // a program that could not map this, or ""
};

/// Who leases a port.
enum class Lease : std::uint8_t {
  None,
  Own,     // this process
  Others,  // another process
  Unknown  // nobody could be asked: the process had no descriptor left
};

/// Maps the log, if there is one.
void mapLog();

/// Counts a line that cannot be made.
void countLostLine();

/// A line of texts that stay as they are until it is written. Every member function leaves errno as
/// it is.
class Line {
 public:
  Line& add(const char* text, std::size_t most = 400);
  Line& add(std::uint64_t number);

  /// Appends the line to the log, if there is one.
  void write() const;

 private:
  struct Field {
    const char* text;
    std::size_t size;
  };
  Field fields_[16]{};
  std::size_t count_ = 0;
  char digits_[8][21]{};
  std::size_t numbers_ = 0;
};

}  // namespace portpool::audit
