#pragma once

#include <portpool/cpp17.hpp>

#include <cstdint>

#pragma GCC visibility push(default)
namespace portpool {

/// Consecutive port numbers; both ends are included.
struct PortRange {
  std::uint16_t first;
  std::uint16_t last;

  friend bool operator==(const PortRange& a, const PortRange& b) {
    return a.first == b.first && a.last == b.last;
  }
  friend bool operator!=(const PortRange& a, const PortRange& b) { return !(a == b); }
};

}  // namespace portpool
#pragma GCC visibility pop
