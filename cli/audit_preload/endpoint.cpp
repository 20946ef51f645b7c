#include "endpoint.hpp"

#include <arpa/inet.h>

#include <cstddef>
#include <cstring>

namespace portpool::audit {

Endpoint::Endpoint(const sockaddr* address, socklen_t size) {
  constexpr socklen_t kOldIPv6Size = 24;  // without a scope, which the system accepts
  // Of another size the system has not read it.
  if (size < sizeof address->sa_family || size > sizeof(sockaddr_storage)) return;
  if (address->sa_family == AF_INET && size >= sizeof(sockaddr_in)) {
    sockaddr_in ipv4{};
    std::memcpy(&ipv4, address, sizeof ipv4);
    set(AF_INET, &ipv4.sin_addr, ipv4.sin_port);
  } else if (address->sa_family == AF_INET6 && size >= kOldIPv6Size) {
    sockaddr_in6 ipv6{};
    std::memcpy(&ipv6, address, kOldIPv6Size);
    constexpr std::size_t kMappedAt = 12;
    if (IN6_IS_ADDR_V4MAPPED(&ipv6.sin6_addr)) {
      set(AF_INET, ipv6.sin6_addr.s6_addr + kMappedAt, ipv6.sin6_port);
    } else {
      set(AF_INET6, &ipv6.sin6_addr, ipv6.sin6_port);
    }
  }
}

bool Endpoint::isLoopback() const {
  if (family_ == AF_INET) return std::strncmp(text_, "127.", 4) == 0 || isEqual("0.0.0.0");
  return isEqual("::1") || isEqual("::");
}

void Endpoint::set(int family, const void* bytes, in_port_t port) {
  family_ = family;
  port_ = ntohs(port);
  ::inet_ntop(family, bytes, text_, sizeof text_);
}

bool Endpoint::isEqual(const char* text) const { return std::strcmp(text_, text) == 0; }

}  // namespace portpool::audit
