#include "open_sockets.hpp"

#include "../bsd/tables.hpp"

#include <sys/file.h>

#include <cstring>

namespace portpool::platform {

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
