#pragma once

// Addresses, as the functions of sockets take them.

#include "platform/socket_address.hpp"

#if __has_include(<netinet/in.h>)
#include <netinet/in.h>
#include <sys/socket.h>
#else
#include "platform/windows/windows.hpp"
#endif

namespace portpool::platform {

/// The domain of a socket for the family; for both families, the domain of IPv6.
inline int domainOf(AddressFamily family) {
  return family == AddressFamily::IPv4 ? AF_INET : AF_INET6;
}

class SystemAddress {
 public:
  explicit SystemAddress(const SocketAddress& address) noexcept;
  const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&bytes_); }
  socklen_t size() const noexcept { return size_; }

 private:
  sockaddr_in6 bytes_{};  // or a sockaddr_in, which is smaller
  socklen_t size_;
};

/// The address that such a function returned, of either family.
SocketAddress addressFrom(const sockaddr* address) noexcept;

}  // namespace portpool::platform
