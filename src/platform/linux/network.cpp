// Which network namespace this process is in.

#include "../lock_file/lock_file.hpp"
#include "../lock_file/lock_offset.hpp"
#include "../posix/sockets.hpp"
#include "platform/system_error.hpp"

#include <portpool/errors.hpp>

#include <sys/stat.h>

#include <cerrno>

namespace portpool::platform {

std::uint64_t networkId() {
  constexpr int kNetworkCookie = 71;  // SO_NETNS_COOKIE, which older headers lack
  const auto socket = newSocket(AF_INET, SOCK_DGRAM);
  if (!socket) throwSystemError("socket", errno);
  std::uint64_t cookie = 0;
  socklen_t size = sizeof cookie;
  if (::getsockopt(socket.get(), SOL_SOCKET, kNetworkCookie, &cookie, &size) == 0) {
    return lockNetwork(cookie);
  }
  // Before Linux 5.14.
  struct stat network {};
  if (::stat("/proc/self/ns/net", &network) == 0) return lockNetwork(network.st_ino);
  throw PortPoolError(
      "the system does not show which network this process is in; mount /proc for it, or let it "
      "use "
      "AF_UNIX sockets, so that leases of ports hold");
}

}  // namespace portpool::platform
