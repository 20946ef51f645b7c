#pragma once

#include <portpool/port_range.hpp>

#include <optional>
#include <string>

namespace portpool::platform {

/// The ports that the system gives to outgoing connections and to sockets bound to port 0; nullopt
/// if it does not show them. Throws PortRangeUnknownError, and DescriptorLimitError.
std::optional<PortRange> ephemeralRange();

/// Where the system shows them, for a message: a file, say.
std::string ephemeralRangeSource();

}  // namespace portpool::platform
