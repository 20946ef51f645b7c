#include "platform/environment.hpp"

#include "environ.hpp"

#include <cstdlib>

namespace portpool::platform {

std::optional<std::string> variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) return std::nullopt;
  return value;
}

std::vector<std::string> environmentNames(std::string_view prefix) {
  std::vector<std::string> names;
  for (char** entry = environmentTable(); entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (text.substr(0, prefix.size()) == prefix) names.emplace_back(text.substr(0, text.find('=')));
  }
  return names;
}

void putVariable(char* text) noexcept { ::putenv(text); }

void removeVariable(const char* name) noexcept { ::unsetenv(name); }

}  // namespace portpool::platform
