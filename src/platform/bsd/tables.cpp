#include "tables.hpp"

#include <sys/types.h>

#include <sys/sysctl.h>

#include <array>
#include <cerrno>

namespace portpool::platform {

std::optional<std::string> readTable(std::vector<int> name) {
  constexpr int kMostTries = 5;
  const auto length = static_cast<unsigned>(name.size());
  for (int i = 0; i < kMostTries; ++i) {
    std::size_t size = 0;
    if (::sysctl(name.data(), length, nullptr, &size, nullptr, 0) != 0) return std::nullopt;
    std::string table(size + size / 8, '\0');  // it may grow meanwhile
    size = table.size();
    if (::sysctl(name.data(), length, table.data(), &size, nullptr, 0) == 0) {
      table.resize(size);
      return table;
    }
    if (errno != ENOMEM) return std::nullopt;
  }
  return std::nullopt;
}

std::optional<std::string> readTable(const char* name) {
  std::array<int, CTL_MAXNAME> numbers{};
  std::size_t length = numbers.size();
  if (::sysctlnametomib(name, numbers.data(), &length) != 0) return std::nullopt;
  return readTable({numbers.data(), numbers.data() + length});
}

}  // namespace portpool::platform
