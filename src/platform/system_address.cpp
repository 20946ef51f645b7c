#include "platform/system_address.hpp"

#include <cstring>

namespace portpool::platform {

SystemAddress::SystemAddress(const SocketAddress& address) noexcept
    : size_(address.family == AddressFamily::IPv4 ? sizeof(sockaddr_in) : sizeof(sockaddr_in6)) {
  if (address.family == AddressFamily::IPv4) {
    sockaddr_in ipv4{};
    ipv4.sin_family = AF_INET;
    ipv4.sin_port = htons(address.port);
    std::memcpy(&ipv4.sin_addr, address.host.data(), sizeof ipv4.sin_addr);
    std::memcpy(&bytes_, &ipv4, size_);
  } else {
    bytes_.sin6_family = AF_INET6;
    bytes_.sin6_port = htons(address.port);
    std::memcpy(&bytes_.sin6_addr, address.host.data(), sizeof bytes_.sin6_addr);
    bytes_.sin6_scope_id = address.scope;
  }
}

SocketAddress addressFrom(const sockaddr* address) noexcept {
  SocketAddress result;
  if (address->sa_family == AF_INET) {
    sockaddr_in ipv4{};
    std::memcpy(&ipv4, address, sizeof ipv4);
    result.port = ntohs(ipv4.sin_port);
    std::memcpy(result.host.data(), &ipv4.sin_addr, sizeof ipv4.sin_addr);
  } else {
    sockaddr_in6 ipv6{};
    std::memcpy(&ipv6, address, sizeof ipv6);
    result.family = AddressFamily::IPv6;
    result.port = ntohs(ipv6.sin6_port);
    result.scope = ipv6.sin6_scope_id;
    std::memcpy(result.host.data(), &ipv6.sin6_addr, sizeof ipv6.sin6_addr);
  }
  return result;
}

}  // namespace portpool::platform
