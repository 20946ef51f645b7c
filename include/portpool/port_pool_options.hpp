#pragma once

#include <portpool/cpp17.hpp>

#include <chrono>
#include <cstdint>
#include <optional>

#pragma GCC visibility push(default)
namespace portpool {

/// How a PortPool hands out its ports.
struct PortPoolOptions {
  /// Fixes the order of the ports: pools with the same port set and seed use the same order.
  /// By default each pool chooses a seed at random.
  std::optional<std::uint64_t> seed{};

  /// How long an allocation waits when every port is taken; less than 100 ms count as 100 ms.
  std::chrono::milliseconds waitTime = std::chrono::milliseconds(60000);

  /// Log each port that is handed out or returned to stderr.
  bool verbose = false;

  /// Hold every TCP port with Hold::Shared, unless the request asks for another kind of hold.
  bool hold = false;
};

}  // namespace portpool
#pragma GCC visibility pop
