#pragma once

#include <portpool/port_set.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace portpool {

/// The text for a message: whatever would control a terminal or be invalid in an XML report
/// (control characters, bytes that are not UTF-8) becomes '?'. A text of more than `longest` bytes
/// is cut between characters and ends in "...".
std::string printable(std::string_view text, std::size_t longest);

/// The greatest length of a name in a message, in bytes.
constexpr std::size_t kLongestName = 80;

/// "server", in quotation marks and printable; "" if the name is empty.
std::string quoted(std::string_view name);

/// A list of ports for a message, cut if it is long.
std::string listed(const PortSet& ports);

/// "1.5 s".
std::string inSeconds(std::chrono::milliseconds time);

/// `port 20000 "server"`, or `port 20000` if the port has no name.
std::string portTitle(std::uint16_t port, std::string_view name);

}  // namespace portpool
