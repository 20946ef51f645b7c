#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace portpool {

/// The text for a message: what a terminal would obey or an XML report could not hold (control
/// characters, bytes that are no UTF-8) becomes '?', and what is longer than `longest` bytes is cut
/// before a character, and ends in "...".
std::string printable(std::string_view text, std::size_t longest);

}  // namespace portpool
