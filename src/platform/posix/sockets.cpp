// Sockets, and what the errors of their system calls mean.

#include "sockets.hpp"

#include "platform/system_address.hpp"
#include "platform/system_error.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <utility>

namespace portpool::platform {
namespace {

void setOption(NativeSocket socket, int level, int option, int value) {
  if (::setsockopt(socket, level, option, &value, sizeof value) != 0) {
    throwSystemError("setsockopt", errno);
  }
}

int getOption(NativeSocket socket, int level, int option) {
  int value = 0;
  socklen_t size = sizeof value;
  if (::getsockopt(socket, level, option, &value, &size) != 0) {
    throwSystemError("getsockopt", errno);
  }
  return value;
}

/// Makes an IPv6 socket serve both families, or its own only.
void setDualStack(const Socket& socket, bool isDualStack) {
  // The system's default does not change in practice, and each allocation needs it. It is atomic:
  // a forked child could wait for ever for the initialisation of an ordinary static object.
  constexpr int kUnknown = -1;
  static std::atomic<int> isV6OnlyByDefault{kUnknown};
  if (isV6OnlyByDefault == kUnknown) {
    isV6OnlyByDefault = getOption(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY);
  }
  const int isV6Only = isDualStack ? 0 : 1;
  if (isV6Only != isV6OnlyByDefault) setOption(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, isV6Only);
}

int optionOf(Reuse reuse) { return reuse == Reuse::Address ? SO_REUSEADDR : SO_REUSEPORT; }

}  // namespace

Socket aboveStandard(Socket descriptor) noexcept {
  constexpr int kFirst = STDERR_FILENO + 1;
  if (!descriptor || descriptor.get() >= kFirst) return descriptor;
  return Socket(::fcntl(descriptor.get(), F_DUPFD_CLOEXEC, kFirst));
}

void Socket::close() noexcept {
  const NativeSocket socket = release();
  if (socket >= 0) ::close(socket);
}

Socket openSocket(AddressFamily family, SocketType type) {
  const int domain = domainOf(family);
  auto socket = newSocket(domain, type == SocketType::Stream ? SOCK_STREAM : SOCK_DGRAM);
  if (socket) {
    if (domain == AF_INET6) setDualStack(socket, family == AddressFamily::Any);
  } else if (errno != EAFNOSUPPORT) {
    throwSystemError("socket", errno);
  }
  return socket;
}

int bind(NativeSocket socket, const SocketAddress& address) noexcept {
  const SystemAddress name(address);
  return ::bind(socket, name.get(), name.size()) == 0 ? 0 : errno;
}

int listen(NativeSocket socket, int backlog) noexcept {
  return ::listen(socket, backlog) == 0 ? 0 : errno;
}

Refusal refusalOf(int error) noexcept {
  switch (error) {
    case 0:
      return Refusal::None;
    case EADDRINUSE:
      return Refusal::Busy;
    case EACCES:
    case EPERM:
      return Refusal::Forbidden;
    case EADDRNOTAVAIL:
      return Refusal::NoSuchAddress;
    case EAFNOSUPPORT:
    case EINVAL:
      return Refusal::Invalid;
    default:
      return Refusal::Other;
  }
}

Socket connect(const SocketAddress& address, std::chrono::steady_clock::time_point deadline) {
  auto socket = newSocket(domainOf(address.family), SOCK_STREAM, Blocking::No);
  if (!socket) {
    if (errno == EAFNOSUPPORT) return socket;
    throwSystemError("socket", errno);
  }
  const SystemAddress name(address);
  if (::connect(socket.get(), name.get(), name.size()) == 0) return socket;
  if (errno != EINPROGRESS) return Socket();
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      deadline - std::chrono::steady_clock::now());
  pollfd writable{socket.get(), POLLOUT, 0};
  if (::poll(&writable, 1, std::max(0, static_cast<int>(left.count()))) != 1) return Socket();
  return getOption(socket.get(), SOL_SOCKET, SO_ERROR) == 0 ? std::move(socket) : Socket();
}

void setReuse(NativeSocket socket, Reuse reuse, bool isOn) {
  setOption(socket, SOL_SOCKET, optionOf(reuse), isOn ? 1 : 0);
}

bool hasReuse(NativeSocket socket, Reuse reuse) {
  return getOption(socket, SOL_SOCKET, optionOf(reuse)) != 0;
}

void makeExclusive(NativeSocket /*socket*/) {}  // it is

SocketAddress boundAddress(NativeSocket socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  auto* const raw = reinterpret_cast<sockaddr*>(&address);
  if (::getsockname(socket, raw, &size) != 0) throwSystemError("getsockname", errno);
  return addressFrom(raw);
}

bool isDualStack(NativeSocket socket) { return getOption(socket, IPPROTO_IPV6, IPV6_V6ONLY) == 0; }

SocketType typeOf(NativeSocket socket) {
  return getOption(socket, SOL_SOCKET, SO_TYPE) == SOCK_STREAM ? SocketType::Stream
                                                               : SocketType::Datagram;
}

}  // namespace portpool::platform
