#include "lease.hpp"

#include "platform/linux/lease_name.hpp"
#include "platform/lock_file/lock_offset.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <string_view>

namespace portpool::audit {
namespace {

/// The process that last leased a port by its name, of those with this memory: a forked child has
/// no part in its parent's leases.
std::atomic<pid_t> leasers[65536];

Lease leaseByName(std::uint16_t port) {
  const auto socket = ::syscall(SYS_socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return errno == EMFILE || errno == ENFILE ? Lease::Unknown : Lease::None;
  const platform::AbstractAddress lease{platform::LeaseName(port)};
  const bool isThere = ::syscall(SYS_connect, socket, lease.get(), lease.size) == 0;
  ::syscall(SYS_close, socket);
  if (!isThere) return Lease::None;
  return leasers[port].load(std::memory_order_relaxed) == ::getpid() ? Lease::Own : Lease::Others;
}

Lease leaseByLock(std::uint16_t port, std::uint64_t network) {
  const auto file = ::syscall(SYS_openat, AT_FDCWD, platform::kLockFile,
                              O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (file < 0) return Lease::None;
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<off_t>(platform::lockOffset(network, port));
  lock.l_len = 1;
  const bool isLocked =
      ::fcntl(static_cast<int>(file), F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
  ::syscall(SYS_close, file);
  return isLocked ? Lease::Own : Lease::None;
}

}  // namespace

Lease leaseOf(std::uint16_t port, std::uint64_t network) {
  const auto lease = leaseByName(port);
  return lease == Lease::None ? leaseByLock(port, network) : lease;
}

void noteLease(const sockaddr* address, socklen_t size) {
  constexpr auto kPrefix = platform::kAbstractNamePrefix;
  constexpr std::size_t kNameAt = offsetof(sockaddr_un, sun_path) + 1;  // behind a NUL
  if (size <= kNameAt + kPrefix.size() || address->sa_family != AF_UNIX) return;
  const std::string_view name(reinterpret_cast<const char*>(address) + kNameAt, size - kNameAt);
  if (name.substr(0, kPrefix.size()) != kPrefix) return;
  std::uint16_t port = 0;
  const auto end = std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), port);
  if (end.ec == std::errc()) leasers[port].store(::getpid(), std::memory_order_relaxed);
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
