#pragma once

#include <array>
#include <atomic>
#include <cstddef>

namespace portpool::test {

constexpr int kTurnsOfEach = 25;

/// How many turns each of some processes has had, which share this.
template <std::size_t kProcesses>
struct Turns {
  std::array<std::atomic<int>, kProcesses> taken{};

  bool everyoneHad(int turns) const {
    for (const auto& each : taken) {
      if (each < turns) return false;
    }
    return true;
  }
};

}  // namespace portpool::test
