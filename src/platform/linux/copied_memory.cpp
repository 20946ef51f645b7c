// What a process finds that a bare clone() made.

#include "../posix/copied_memory.hpp"

#include "lease_name.hpp"

#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <string_view>

namespace portpool::platform {

void* memoryWipedOnFork(std::size_t size) noexcept {
#ifdef MADV_WIPEONFORK
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  if (::madvise(memory, size, MADV_WIPEONFORK) == 0) return memory;
  ::munmap(memory, size);
#endif
  return nullptr;
}

bool isStillOurs(int descriptor) noexcept {
  int isListening = 0;
  socklen_t size = sizeof isListening;
  if (::getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &isListening, &size) != 0) return false;
  sockaddr_storage name{};
  size = sizeof name;
  if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&name), &size) != 0) return false;
  if (name.ss_family == AF_UNIX) {
    const auto* path = reinterpret_cast<const sockaddr_un*>(&name)->sun_path;
    return path[0] == '\0' &&
           std::string_view(path + 1, kAbstractNamePrefix.size()) == kAbstractNamePrefix;
  }
  // The port stands at the same place for both families.
  const bool isBound = reinterpret_cast<const sockaddr_in*>(&name)->sin_port != 0;
  sockaddr_storage peer{};
  size = sizeof peer;
  return isBound && isListening == 0 &&
         ::getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &size) != 0;
}

}  // namespace portpool::platform
