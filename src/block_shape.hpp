#pragma once

#include <cstddef>

namespace portpool {

/// Ports at the same distance from each other, of which the first is a multiple of a number.
struct BlockShape {
  std::size_t count = 1;
  std::size_t distance = 1;
  std::size_t multipleOf = 1;

  bool isRun() const { return distance == 1 && multipleOf == 1; }
  std::size_t offset(std::size_t index) const { return index * distance; }
};

}  // namespace portpool
