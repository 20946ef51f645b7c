#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace portpool::platform {

// Text is UTF-8 in portpool and UTF-16 in the system. What is not valid becomes U+FFFD.
std::string utf8(std::wstring_view text);
std::wstring utf16(std::string_view text);

/// What the system says of the error, in its language, without a line end.
std::string errorText(std::uint32_t error);

}  // namespace portpool::platform
