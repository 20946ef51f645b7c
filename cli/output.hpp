#pragma once

#include <portpool/port_users.hpp>

#include <string>
#include <vector>

namespace portpool::cli {

/// Writes the text to stdout. Throws if that fails.
void print(const std::string& text);

/// The rows as aligned columns, two blanks apart; the last column is not padded.
std::string table(const std::vector<std::vector<std::string>>& rows);

/// The text, cut to a length that is readable in one line.
std::string shortened(const std::string& text);

/// "3 ports", "1 port".
std::string counted(std::size_t count, const std::string& what);

/// The user's login name, or its number if it has none; "" if it is not known.
std::string userName(const PortUser& user);

}  // namespace portpool::cli
