#include "output.hpp"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <system_error>

namespace portpool::cli {

void print(const std::string& text) {
  if (std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0) {
    throw std::system_error(errno, std::generic_category(), "stdout");
  }
}

std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      text += row[i];
      if (i + 1 < row.size()) text.append(widths[i] - row[i].size() + 2, ' ');
    }
    text += '\n';
  }
  return text;
}

std::string shortened(const std::string& text) {
  constexpr std::size_t kLongest = 400;
  if (text.size() <= kLongest) return text;
  auto end = kLongest;  // not within a character
  while ((static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80) --end;
  return text.substr(0, end) + "...";
}

std::string counted(std::size_t count, const std::string& what) {
  return std::to_string(count) + ' ' + what + (count == 1 ? "" : "s");
}

std::string userName(const PortUser& user) {
  if (!user.userId) return "";
  const auto* entry = ::getpwuid(*user.userId);
  return entry != nullptr ? entry->pw_name : std::to_string(*user.userId);
}

std::string unseenProcess() {
  return ::geteuid() == 0
             ? "a process that is not shown here, of a container perhaps: run this outside"
             : "a process that this user may not look at: run this as root";
}

}  // namespace portpool::cli
