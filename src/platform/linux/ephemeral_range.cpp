// The range of ports that the kernel gives away by itself.

#include "ephemeral_range.hpp"

#include "platform/ephemeral_range.hpp"
#include "platform/files.hpp"
#include "platform/system_error.hpp"
#include "text.hpp"

#include <portpool/errors.hpp>

#include <cerrno>
#include <charconv>
#include <system_error>

namespace portpool::platform {

std::string ephemeralRangeSource() { return kEphemeralRangeFile; }

std::optional<PortRange> ephemeralRange() { return readEphemeralRange(kEphemeralRangeFile); }

std::optional<PortRange> readEphemeralRange(const std::string& path) {
  constexpr const char* kRemedy =
      "; set PORTPOOL_PORTS to the ports that tests may use, like 20000-29999";
  std::string text;
  if (const int error = readFile(path, text, 4096); error != 0) {
    if (error == ENOENT) return std::nullopt;
    if (error == EMFILE || error == ENFILE) throwSystemError("open " + path, error);
    throw PortRangeUnknownError("cannot read the range of ephemeral ports from " + path + " (" +
                                std::generic_category().message(error) + ")" + kRemedy);
  }
  if (text.empty()) {
    throw PortRangeUnknownError("cannot read the range of ephemeral ports from " + path +
                                ", which is empty" + kRemedy);
  }
  const auto line = text.substr(0, text.find('\n'));
  // Without streams, whose first use in a process takes longer than all else of a test's first
  // port.
  const auto isBlank = [](char c) { return c == ' ' || c == '\t'; };
  const char* place = line.data();
  const char* const end = place + line.size();
  const auto next = [&] {
    int number = 0;
    while (place != end && isBlank(*place)) ++place;
    const auto [after, error] = std::from_chars(place, end, number);
    place = after;
    return error == std::errc() ? number : 0;
  };
  const int first = next(), last = next();
  while (place != end && isBlank(*place)) ++place;
  if (place != end || first < 1 || last < first || 65535 < last) {
    throw PortRangeUnknownError(path + " holds \"" + printable(line, 40) +
                                "\", not the first and the last ephemeral port" + kRemedy);
  }
  return PortRange{static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(last)};
}

}  // namespace portpool::platform
