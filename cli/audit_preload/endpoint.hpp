#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>

namespace portpool::audit {

/// An address of TCP/IP or UDP/IP. One of IPv4 that is mapped into IPv6 is that of IPv4.
class Endpoint {
 public:
  /// Is none, with the family 0, if it is of something else.
  Endpoint(const sockaddr* address, socklen_t size);

  bool isIP() const { return family_ != 0; }
  std::uint16_t port() const { return port_; }
  const char* text() const { return text_; }

  /// Whether a connection to it stays on this machine: those to no address do, too.
  bool isLoopback() const;

 private:
  void set(int family, const void* bytes, in_port_t port);
  bool isEqual(const char* text) const;

  int family_ = 0;
  std::uint16_t port_ = 0;
  char text_[INET6_ADDRSTRLEN]{};
};

}  // namespace portpool::audit
