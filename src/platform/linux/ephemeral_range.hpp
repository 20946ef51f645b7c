#pragma once

#include <portpool/port_range.hpp>

#include <optional>
#include <string>

namespace portpool::platform {

inline constexpr const char* kEphemeralRangeFile = "/proc/sys/net/ipv4/ip_local_port_range";

/// Reads the range of ephemeral ports from the file at `path`; nullopt if it does not exist. Throws
/// PortRangeUnknownError.
std::optional<PortRange> readEphemeralRange(const std::string& path);

}  // namespace portpool::platform
