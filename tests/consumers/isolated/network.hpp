#pragma once

#include <unistd.h>

#include <string>

/// Whether this process is in another network than that in which the project was configured.
inline bool isIsolated() {
  char target[64] = {};
  const auto length = ::readlink("/proc/self/ns/net", target, sizeof target - 1);
  return length > 0 && std::string(target) != OUTER_NETWORK;
}
