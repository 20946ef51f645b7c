// The public functions on sockets, and what the wait for a server asks of the system.

#include "platform/platform.hpp"
#include "posix.hpp"

#include <portpool/errors.hpp>
#include <portpool/sockets.hpp>

#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <string>
#include <utility>

namespace portpool {

std::uint16_t bindPort(NativeSocket socket, const std::string& host) {
  using namespace platform;
  if (getOption(socket, SOL_SOCKET, SO_TYPE) == SOCK_STREAM) {
    for (const auto& [option, name] :
         {std::pair{SO_REUSEADDR, "SO_REUSEADDR"}, std::pair{SO_REUSEPORT, "SO_REUSEPORT"}}) {
      if (getOption(socket, SOL_SOCKET, option) != 0) {
        throw PortPoolError(std::string("bindPort: the TCP socket has ") + name +
                            " set, so that another program can bind its port too; do not set it");
      }
    }
  }
  const int domain = getOption(socket, SOL_SOCKET, SO_DOMAIN);
  const auto family = domain == AF_INET ? AddressFamily::IPv4 : AddressFamily::IPv6;
  auto address = addressesOf(host, family).front();
  setPort(address, 0);
  if (::bind(socket, raw(address), static_cast<socklen_t>(address.size)) != 0) {
    if (errno == EADDRNOTAVAIL) throwNotLocal(host, family);
    throwSystemError("bindPort: bind to host \"" + host + '"', errno);
  }
  return portOfSocket(socket);
}

std::uint16_t findUnusedPort(AddressFamily family, SocketType type) {
  using namespace platform;
  const int domain = family == AddressFamily::IPv4 ? AF_INET : AF_INET6;
  const int socketType = type == SocketType::Stream ? SOCK_STREAM : SOCK_DGRAM;
  Socket socket(::socket(domain, socketType | SOCK_CLOEXEC, 0));
  if (!socket && errno == EAFNOSUPPORT) {
    if (family == AddressFamily::Any) return findUnusedPort(AddressFamily::IPv4, type);
    throwNotLocal("", family);
  }
  if (!socket) throwSystemError("socket", errno);
  setDualStack(socket, domain, family == AddressFamily::Any);
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
  if (socket_ < 0) {
    throw PortPoolError(
        "a ListeningSocket that is closed or released has no port; ask for it before");
  }
  return platform::portOfSocket(socket_);
}

void ListeningSocket::close() noexcept {
  const NativeSocket socket = release();
  if (socket >= 0) ::close(socket);
}

namespace platform {

bool canConnect(SocketAddress& address, std::chrono::steady_clock::time_point deadline) {
  const Socket socket(::socket(familyOf(address), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) {
    if (errno == EAFNOSUPPORT) return false;
    throwSystemError("socket", errno);
  }
  if (::connect(socket.get(), raw(address), static_cast<socklen_t>(address.size)) != 0) {
    if (errno != EINPROGRESS) return false;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd writable{socket.get(), POLLOUT, 0};
    if (::poll(&writable, 1, std::max(0, static_cast<int>(left.count()))) != 1) return false;
    if (getOption(socket.get(), SOL_SOCKET, SO_ERROR) != 0) return false;
  }
  // A connection to an ephemeral port can meet itself.
  return portOfSocket(socket.get()) != portOf(address);
}

bool hasExited(int pid) {
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0) {
    return info.si_pid == pid;
  }
  return ::kill(pid, 0) != 0 && errno == ESRCH;  // nobody's child, or another's
}

}  // namespace platform
}  // namespace portpool
