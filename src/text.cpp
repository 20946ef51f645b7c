#include "text.hpp"

#include <algorithm>
#include <iterator>
#include <sstream>
#include <utility>

namespace portpool {
namespace {

/// Whether a character is none that controls a terminal, turns the direction of its text, or is
/// forbidden in XML.
bool isPrintable(char32_t character) {
  constexpr std::pair<char32_t, char32_t> kUnprintable[] = {
      {0, 0x1F},        {0x7F, 0x9F},     {0x200E, 0x200F}, {0x202A, 0x202E},
      {0x2066, 0x2069}, {0xD800, 0xDFFF}, {0xFFFE, 0xFFFF}, {0x110000, 0x1FFFFF}};
  return std::none_of(std::begin(kUnprintable), std::end(kUnprintable), [&](const auto& range) {
    return range.first <= character && character <= range.second;
  });
}

/// The length of the UTF-8 character that `text` begins with, or 0 if it is not printable.
std::size_t characterLength(std::string_view text) {
  constexpr char32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};  // by number of bytes
  const auto first = static_cast<unsigned char>(text.front());
  if (first < 0x80) return isPrintable(first) ? 1 : 0;
  const std::size_t length = first < 0xC0   ? 0
                             : first < 0xE0 ? 2
                             : first < 0xF0 ? 3
                             : first < 0xF8 ? 4
                                            : 0;
  if (length > text.size()) return 0;
  char32_t character = first & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80) return 0;
    character = character << 6U | (static_cast<unsigned char>(text[i]) & 0x3FU);
  }
  return character >= kLeast[length] && isPrintable(character) ? length : 0;
}

}  // namespace

std::string printable(std::string_view text, std::size_t longest) {
  std::string result;
  while (!text.empty()) {
    const auto length = characterLength(text);
    const auto character = length == 0 ? std::string_view("?") : text.substr(0, length);
    if (result.size() + character.size() > longest) return result + "...";
    result += character;
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return result;
}

std::string quoted(std::string_view name) {
  return name.empty() ? "" : '"' + printable(name, kLongestName) + '"';
}

std::string listed(const PortSet& ports) {
  constexpr std::size_t kLongest = 120;
  return printable(ports.toString(), kLongest);
}

std::string portTitle(std::uint16_t port, std::string_view name) {
  return "port " + std::to_string(port) + (name.empty() ? "" : " " + quoted(name));
}

std::string inSeconds(std::chrono::milliseconds time) {
  std::ostringstream text;
  text << static_cast<double>(time.count()) / 1000 << " s";
  return text.str();
}

}  // namespace portpool
