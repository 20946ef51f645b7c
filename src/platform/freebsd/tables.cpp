#include "tables.hpp"

#include <sys/file.h>
#include <sys/sysctl.h>

#include <array>
#include <cerrno>
#include <cstring>

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

std::optional<std::vector<OpenSocket>> openSockets() {
  const auto table = readTable("kern.file");
  if (!table) return std::nullopt;
  std::vector<OpenSocket> sockets;
  for (std::size_t place = 0; table->size() - place >= sizeof(xfile);) {
    xfile file{};
    std::memcpy(&file, &(*table)[place], sizeof file);
    if (file.xf_size < sizeof file) return std::nullopt;  // of another version of the system
    if (file.xf_type == DTYPE_SOCKET) sockets.push_back({file.xf_pid, file.xf_data});
    place += file.xf_size;
    if (place > table->size()) break;
  }
  return sockets;
}

}  // namespace portpool::platform
