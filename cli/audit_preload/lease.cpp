#include "lease.hpp"

#include "platform/linux/lease_name.hpp"
#include "platform/posix/lock_offset.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace portpool::audit {
namespace {

bool isLeasedByName(std::uint16_t port) {
  const auto socket = ::syscall(SYS_socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return false;
  const platform::AbstractAddress lease{platform::LeaseName(port)};
  const bool isThere = ::syscall(SYS_connect, socket, lease.get(), lease.size) == 0;
  ::syscall(SYS_close, socket);
  return isThere;
}

bool isLeasedByLock(std::uint16_t port, std::uint64_t network) {
  const auto file = ::syscall(SYS_openat, AT_FDCWD, platform::kLockFile,
                              O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (file < 0) return false;
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<off_t>(platform::lockOffset(network, port));
  lock.l_len = 1;
  const bool isLocked =
      ::fcntl(static_cast<int>(file), F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
  ::syscall(SYS_close, file);
  return isLocked;
}

}  // namespace

bool isLeased(std::uint16_t port, std::uint64_t network) {
  return isLeasedByName(port) || isLeasedByLock(port, network);
}

std::uint64_t networkOf(int socket) {
  constexpr int kNetworkCookie = 71;  // SO_NETNS_COOKIE, which older headers lack
  std::uint64_t cookie = 0;
  socklen_t size = sizeof cookie;
  if (::getsockopt(socket, SOL_SOCKET, kNetworkCookie, &cookie, &size) == 0) {
    return platform::lockNetwork(cookie);
  }
  struct stat network {};
  if (::stat("/proc/self/ns/net", &network) == 0) return platform::lockNetwork(network.st_ino);
  return 0;
}

}  // namespace portpool::audit
