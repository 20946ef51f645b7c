#include "platform/environment.hpp"

#include "text.hpp"
#include "windows.hpp"

#include <cstdlib>
#include <memory>

namespace portpool::platform {

std::optional<std::string> variable(const char* name) {
  constexpr DWORD kLongest = 32767;  // that the system has
  std::wstring value(kLongest, L'\0');
  ::SetLastError(ERROR_SUCCESS);
  const auto length = ::GetEnvironmentVariableW(utf16(name).c_str(), value.data(), kLongest);
  if (length == 0 && ::GetLastError() == ERROR_ENVVAR_NOT_FOUND) return std::nullopt;
  return utf8(std::wstring_view(value.data(), length));
}

std::vector<std::string> environmentNames(std::string_view prefix) {
  std::vector<std::string> names;
  const std::unique_ptr<wchar_t, decltype(&::FreeEnvironmentStringsW)> table(
      ::GetEnvironmentStringsW(), ::FreeEnvironmentStringsW);
  for (const wchar_t* entry = table.get(); entry != nullptr && *entry != L'\0';) {
    const std::wstring_view text = entry;
    auto name = utf8(text.substr(0, text.find(L'=')));
    for (char& letter : name) {  // whose case the system does not mind
      if (letter >= 'a' && letter <= 'z') letter = static_cast<char>(letter - 'a' + 'A');
    }
    if (name.compare(0, prefix.size(), prefix) == 0) names.push_back(std::move(name));
    entry += text.size() + 1;
  }
  return names;
}

void putVariable(char* text) noexcept { ::_putenv(text); }  // which copies it

void removeVariable(const char* name) noexcept { ::_putenv_s(name, ""); }

}  // namespace portpool::platform
