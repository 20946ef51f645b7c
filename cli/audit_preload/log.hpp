#pragma once

// The log that the preloaded library writes and `portpool audit` reads: a line for each event, of
// fields separated by tabs. Whatever would break that in a field is written as '?'.
//
//   bind|connect tcp|udp PORT ADDRESS ERRNO LEASED EPHEMERAL NETWORK PID PROGRAM COMMAND TEST
//   MODULE
//                OFFSET SYMBOL
//   unseen PROGRAM REASON
//
// LEASED and EPHEMERAL, which is a bind to port 0, are 0 or 1. NETWORK stands for a network
// namespace. OFFSET is where the call returns to in the file MODULE, and SYMBOL what is exported
// there.

#include <cstddef>
#include <cstdint>

namespace portpool::audit {

/// The environment variable with the path of the log.
inline constexpr const char* kLogVariable = "PORTPOOL_AUDIT";

/// That with the name of the running test; portpool's adapters set it, too.
inline constexpr const char* kTestVariable = "PORTPOOL_CURRENT_TEST";

/// A line, made without memory from the heap. Every member function leaves errno as it is.
class Line {
 public:
  Line& add(const char* text, std::size_t most = 400);
  Line& add(std::uint64_t number);

  /// Appends the line to the log, if there is one.
  void write();

 private:
  char text_[3072]{};
  std::size_t size_ = 0;
};

}  // namespace portpool::audit
