#include "text.hpp"

#include "windows.hpp"

#include <memory>

namespace portpool::platform {

std::string utf8(std::wstring_view text) {
  const auto length = static_cast<int>(text.size());
  if (length == 0) return {};
  const int size =
      ::WideCharToMultiByte(CP_UTF8, 0, text.data(), length, nullptr, 0, nullptr, nullptr);
  std::string result(static_cast<std::size_t>(size), '\0');
  ::WideCharToMultiByte(CP_UTF8, 0, text.data(), length, result.data(), size, nullptr, nullptr);
  return result;
}

std::wstring utf16(std::string_view text) {
  const auto length = static_cast<int>(text.size());
  if (length == 0) return {};
  const int size = ::MultiByteToWideChar(CP_UTF8, 0, text.data(), length, nullptr, 0);
  std::wstring result(static_cast<std::size_t>(size), L'\0');
  ::MultiByteToWideChar(CP_UTF8, 0, text.data(), length, result.data(), size);
  return result;
}

std::string errorText(std::uint32_t error) {
  wchar_t* buffer = nullptr;
  const auto length = ::FormatMessageW(
      FORMAT_MESSAGE_ALLOCATE_BUFFER | FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS,
      nullptr, error, 0, reinterpret_cast<wchar_t*>(&buffer), 0, nullptr);
  const std::unique_ptr<wchar_t, decltype(&::LocalFree)> owned(buffer, ::LocalFree);
  if (length == 0) return "error " + std::to_string(error);
  std::wstring_view text(buffer, length);
  text = text.substr(0, text.find_last_not_of(L"\r\n .") + 1);
  return utf8(text);
}

}  // namespace portpool::platform
