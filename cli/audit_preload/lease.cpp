#include "lease.hpp"

#include "platform/linux/lease_name.hpp"

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

}  // namespace

Lease leaseOf(std::uint16_t port) {
  const auto socket = ::syscall(SYS_socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return errno == EMFILE || errno == ENFILE ? Lease::Unknown : Lease::None;
  const platform::AbstractAddress lease{platform::LeaseName(port)};
  const bool isThere = ::syscall(SYS_connect, socket, lease.get(), lease.size) == 0;
  ::syscall(SYS_close, socket);
  if (!isThere) return Lease::None;
  return leasers[port].load(std::memory_order_relaxed) == ::getpid() ? Lease::Own : Lease::Others;
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
    return cookie;
  }
  struct stat network {};
  if (::stat("/proc/self/ns/net", &network) == 0) return network.st_ino;
  return 0;
}

}  // namespace portpool::audit
