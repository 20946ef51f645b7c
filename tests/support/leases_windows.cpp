#include <winternl.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "platform/windows/windows.hpp"
#include "support/leases.hpp"

namespace {

/// The name of the object that the handle is of; "" if it has none, or there is no such handle.
std::wstring nameOf(HANDLE handle) {
  constexpr auto kObjectNameInformation = static_cast<OBJECT_INFORMATION_CLASS>(1);
  std::array<std::uint64_t, 128> buffer{};
  ULONG size = 0;
  if (::NtQueryObject(handle, kObjectNameInformation, buffer.data(),
                      static_cast<ULONG>(sizeof buffer), &size) < 0) {
    return {};
  }
  const auto& name = *reinterpret_cast<const UNICODE_STRING*>(buffer.data());
  return {name.Buffer, name.Length / sizeof(wchar_t)};
}

}  // namespace

std::set<std::uint16_t> leasesOfThisProcess() {
  constexpr std::wstring_view kPrefix = L"\\portpool-";
  constexpr std::uintptr_t kStep = 4;
  constexpr std::uintptr_t kMost = 8192;
  std::set<std::uint16_t> ports;
  for (std::uintptr_t value = kStep; value < kMost; value += kStep) {
    const auto name = nameOf(reinterpret_cast<HANDLE>(value));
    const auto at = name.rfind(kPrefix);
    if (at == std::wstring::npos) continue;
    const auto key = std::stoul(name.substr(at + kPrefix.size()));
    if (key <= 65535) ports.insert(static_cast<std::uint16_t>(key));
  }
  return ports;
}
