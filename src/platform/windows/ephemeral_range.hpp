#pragma once

#include <portpool/port_range.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace portpool::platform {

/// The range in the answer of `netsh int ipv4 show dynamicport tcp`, in whatever language and code
/// page; nullopt if there is none.
std::optional<PortRange> dynamicRangeIn(const std::string& answer);

/// The range of a system whose registry has this MaxUserPort; nullopt if the value is invalid.
std::optional<PortRange> rangeUpTo(std::uint32_t maxUserPort);

}  // namespace portpool::platform
