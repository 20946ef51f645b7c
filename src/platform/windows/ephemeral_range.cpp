// The dynamic range of ports: what netsh says, or else the registry. No function of the system
// tells it.

#include "ephemeral_range.hpp"

#include "platform/ephemeral_range.hpp"
#include "program_output.hpp"
#include "windows.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <sstream>
#include <system_error>
#include <vector>

namespace portpool::platform {
namespace {

constexpr std::uint32_t kLargestPort = 65535;

std::wstring pathOfNetsh() {
  std::array<wchar_t, MAX_PATH> folder{};
  const auto length = ::GetSystemDirectoryW(folder.data(), static_cast<UINT>(folder.size()));
  if (length == 0 || length >= folder.size()) return {};
  return std::wstring(folder.data(), length) + L"\\netsh.exe";
}

/// The number at the end of a line, after a blank or a colon.
std::optional<std::uint32_t> numberAtEndOf(const std::string& line) {
  constexpr const char* kDigits = "0123456789";
  const auto last = line.find_last_not_of(" \t\r");
  if (last == std::string::npos) return std::nullopt;
  const auto before = line.find_last_not_of(kDigits, last);
  if (before == std::string::npos || before == last) return std::nullopt;
  if (line[before] != ' ' && line[before] != '\t' && line[before] != ':') return std::nullopt;
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(&line[before] + 1, line.data() + last + 1, number);
  if (error != std::errc()) return std::nullopt;
  return number;
}

std::optional<std::uint32_t> maxUserPort() {
  DWORD value = 0;
  DWORD size = sizeof value;
  const auto error =
      ::RegGetValueW(HKEY_LOCAL_MACHINE, L"SYSTEM\\CurrentControlSet\\Services\\Tcpip\\Parameters",
                     L"MaxUserPort", RRF_RT_REG_DWORD, nullptr, &value, &size);
  if (error != ERROR_SUCCESS) return std::nullopt;
  return value;
}

}  // namespace

std::optional<PortRange> dynamicRangeIn(const std::string& answer) {
  std::vector<std::uint32_t> numbers;  // the first port, and how many there are
  std::istringstream lines(answer);
  for (std::string line; std::getline(lines, line);) {
    if (const auto number = numberAtEndOf(line)) numbers.push_back(*number);
  }
  if (numbers.size() != 2) return std::nullopt;
  const auto first = numbers[0];
  const auto count = numbers[1];
  if (first == 0 || first > kLargestPort || count == 0 || count > kLargestPort - first + 1) {
    return std::nullopt;
  }
  return PortRange{static_cast<std::uint16_t>(first),
                   static_cast<std::uint16_t>(first + count - 1)};
}

std::optional<PortRange> rangeUpTo(std::uint32_t maxUserPort) {
  constexpr std::uint32_t kFirst = 1025;
  constexpr std::uint32_t kLeast = 5000;  // the system takes less for this
  if (maxUserPort > kLargestPort) return std::nullopt;
  return PortRange{kFirst, static_cast<std::uint16_t>(std::max(maxUserPort, kLeast))};
}

std::string ephemeralRangeSource() {
  return "a dynamic range in the answer of \"netsh int ipv4 show dynamicport tcp\", or MaxUserPort "
         "in the registry,";
}

std::optional<PortRange> ephemeralRange() {
  const auto netsh = pathOfNetsh();
  const auto answer =
      netsh.empty() ? std::nullopt : outputOf(netsh, L"int ipv4 show dynamicport tcp");
  if (answer) {
    if (const auto range = dynamicRangeIn(*answer)) return range;
  }
  const auto last = maxUserPort();
  return last ? rangeUpTo(*last) : std::nullopt;
}

}  // namespace portpool::platform
