#include "text.hpp"

#include <sstream>

namespace portpool {
namespace {

/// Whether the three bytes are a character that turns the direction of what a terminal shows:
/// U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069.
bool turnsText(unsigned first, unsigned second, unsigned third) {
  if (first != 0xE2) return false;
  if (second == 0x80) return third == 0x8E || third == 0x8F || (third >= 0xAA && third <= 0xAE);
  return second == 0x81 && third >= 0xA6 && third <= 0xA9;
}

/// No character in too many bytes, no surrogate, not U+FFFE and U+FFFF, nor what turns text.
bool isPrintableOfThree(unsigned first, unsigned second, unsigned third) {
  if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second >= 0xA0)) return false;
  if (first == 0xEF && second == 0xBF && third >= 0xBE) return false;
  return !turnsText(first, second, third);
}

/// The length of the UTF-8 character that `text` begins with, or 0 if that is none, or one that
/// controls a terminal.
std::size_t characterLength(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto isContinuation = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80; };
  const auto first = byte(0);
  if (first < 0x80) return first < 0x20 || first == 0x7F ? 0 : 1;
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  for (std::size_t i = 1; i < length; ++i) {
    if (!isContinuation(i)) return 0;
  }
  const auto second = byte(1);
  if (length == 2) {  // not U+0000 to U+007F in two bytes, nor the control characters to U+009F
    return first < 0xC2 || (first == 0xC2 && second < 0xA0) ? 0 : 2;
  }
  if (length == 3) return isPrintableOfThree(first, second, byte(2)) ? 3 : 0;
  const bool isTooLong = first == 0xF0 && second < 0x90;  // and not above U+10FFFF
  return isTooLong || first > 0xF4 || (first == 0xF4 && second > 0x8F) ? 0 : 4;
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
