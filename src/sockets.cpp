#include <portpool/sockets.hpp>

#include "hosts.hpp"
#include "platform/socket.hpp"
#include "platform/system_error.hpp"

#include <portpool/errors.hpp>

#include <string>
#include <utility>

namespace portpool {

std::uint16_t bindPort(NativeSocket socket, const std::string& host) {
  using platform::Refusal;
  using platform::Reuse;
  if (platform::typeOf(socket) == SocketType::Stream) {
    for (const auto& [reuse, name] :
         {std::pair{Reuse::Address, "SO_REUSEADDR"}, std::pair{Reuse::Port, "SO_REUSEPORT"}}) {
      if (platform::hasReuse(socket, reuse)) {
        throw PortPoolError(std::string("bindPort: the TCP socket has ") + name +
                            " set, so that another program can bind its port too; do not set it");
      }
    }
  }
  platform::makeExclusive(socket);
  const auto family = platform::boundAddress(socket).family;
  const int error = platform::bind(socket, addressesOf(host, family).front());
  if (platform::refusalOf(error) == Refusal::NoSuchAddress) throwNotLocal(host, family);
  if (platform::refusalOf(error) == Refusal::Invalid) {
    throw PortPoolError("bindPort: the socket cannot be bound to host \"" + host +
                        "\": it is bound already, is no TCP or UDP socket, or the host is a "
                        "link-local address without its interface (fe80::1%eth0); open a new one");
  }
  if (error != 0) platform::throwSystemError("bindPort: bind to host \"" + host + '"', error);
  return platform::boundAddress(socket).port;
}

std::uint16_t findUnusedPort(AddressFamily family, SocketType type) {
  const auto socket = platform::openSocket(family, type);
  if (!socket && family == AddressFamily::Any) return findUnusedPort(AddressFamily::IPv4, type);
  if (!socket) throwNotLocal("", family);
  if (family == AddressFamily::Any) return bindPort(socket.get(), "");
  return bindPort(socket.get(), family == AddressFamily::IPv4 ? kHost : kHostV6);
}

ListeningSocket& ListeningSocket::operator=(ListeningSocket&& other) noexcept {
  const NativeSocket socket = other.release();  // first, should it be this object's own
  close();
  socket_ = socket;
  return *this;
}

std::uint16_t ListeningSocket::port() const {
  if (socket_ == kNoSocket) {
    throw PortPoolError(
        "a ListeningSocket that is closed or released has no port; ask for it before");
  }
  return platform::boundAddress(socket_).port;
}

void ListeningSocket::close() noexcept { platform::Socket{release()}.close(); }

}  // namespace portpool
