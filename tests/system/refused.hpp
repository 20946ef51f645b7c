#pragma once

#include <stdexcept>

namespace portpool::test {

/// Thrown in `checkInChild` where the system refuses what the check needs: the test is skipped.
class Refused : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace portpool::test
