#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace portpool::platform {

// Text is UTF-8 in portpool and UTF-16 in the system. Invalid text becomes U+FFFD.
std::string utf8(std::wstring_view text);
std::wstring utf16(std::string_view text);

/// The system's text for the error, in the system's language, without a line end.
std::string errorText(std::uint32_t error);

}  // namespace portpool::platform
