#pragma once

#include <portpool/port_users.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace portpool::cli {

/// Writes the text to stdout. Throws if that fails.
void print(const std::string& text);

/// The rows as aligned columns, two blanks apart; the last column is not padded.
std::string table(const std::vector<std::vector<std::string>>& rows);

/// The text with a "?" for each byte that is invalid in UTF-8, and for each character that would
/// control a terminal.
std::string printable(std::string_view text);

/// The beginning of the text, short enough to be read in a line.
std::string shortened(const std::string& text, std::size_t longest = 400);

/// "3 ports", "1 port".
std::string counted(std::size_t count, const std::string& what);

/// The user's login name, or its number if it has none; "" if it is not known.
std::string userName(const PortUser& user);

/// A text for a process that the system does not show, which tells how to see it.
std::string unseenProcess();

}  // namespace portpool::cli
