#pragma once

#include <cstddef>

namespace portpool::audit {

/// The test that runs, as far as the environment tells it, or "". A copy: getenv() may be called
/// while another thread of the program changes the environment, and then reads memory that is gone.
class CurrentTest {
 public:
  CurrentTest();
  const char* text() const { return text_; }

  static constexpr std::size_t kSize = 256;

 private:
  char text_[kSize]{};
};

/// Learns the test from the environment, before the program has threads.
void readCurrentTest();

/// Learns that a variable of the first `size` letters of `name` has this value now, or none if it
/// is null.
void learnVariable(const char* name, std::size_t size, const char* value);

/// Learns that there is no variable any more.
void forgetVariables();

/// Whether this is known of the variable.
bool isSet(const char* name, std::size_t size);

}  // namespace portpool::audit
