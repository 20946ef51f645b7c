// Sockets, and what the errors of Winsock's functions mean.
//
// A socket with SO_REUSEADDR takes a port away from the program that has it, unless that one has
// SO_EXCLUSIVEADDRUSE, which all of these have. Beside connections in TIME_WAIT, each can bind.

#include "platform/socket.hpp"

#include "platform/system_address.hpp"
#include "platform/system_error.hpp"
#include "winsock.hpp"

#include <algorithm>
#include <utility>

namespace portpool::platform {
namespace {

using Clock = std::chrono::steady_clock;

void setOption(NativeSocket socket, int level, int option, DWORD value) {
  if (::setsockopt(socket, level, option, reinterpret_cast<const char*>(&value), sizeof value) !=
      0) {
    throwSystemError("setsockopt", ::WSAGetLastError());
  }
}

DWORD getOption(NativeSocket socket, int level, int option) {
  DWORD value = 0;
  int size = sizeof value;
  if (::getsockopt(socket, level, option, reinterpret_cast<char*>(&value), &size) != 0) {
    throwSystemError("getsockopt", ::WSAGetLastError());
  }
  return value;
}

/// A socket that no child inherits; none, with the error, if the system refuses it.
Socket newSocket(int domain, int type) {
  startWinsock();
  return Socket(
      ::WSASocketW(domain, type, 0, nullptr, 0, WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT));
}

/// Whether it has connected before the deadline. WSAPoll() does not tell of a refusal before
/// Windows 10, version 2004.
bool isConnected(NativeSocket socket, Clock::time_point deadline) {
  using std::chrono::microseconds;
  const auto left = std::chrono::duration_cast<microseconds>(
      std::max(deadline - Clock::now(), Clock::duration::zero()));
  constexpr auto kSecond = microseconds(std::chrono::seconds(1)).count();
  timeval time{static_cast<long>(left.count() / kSecond),
               static_cast<long>(left.count() % kSecond)};
  fd_set writable{1, {socket}}, failed{1, {socket}};
  return ::select(0, nullptr, &writable, &failed, &time) > 0 && writable.fd_count == 1;
}

}  // namespace

void Socket::close() noexcept {
  const NativeSocket socket = release();
  if (socket != kNoSocket) ::closesocket(socket);
}

Socket openSocket(AddressFamily family, SocketType type) {
  const int domain = domainOf(family);
  auto socket = newSocket(domain, type == SocketType::Stream ? SOCK_STREAM : SOCK_DGRAM);
  if (!socket) {
    if (const int error = ::WSAGetLastError(); error != WSAEAFNOSUPPORT) {
      throwSystemError("socket", error);
    }
    return socket;
  }
  setOption(socket.get(), SOL_SOCKET, SO_EXCLUSIVEADDRUSE, 1);
  if (family == AddressFamily::Any) setOption(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, 0);
  return socket;
}

int bind(NativeSocket socket, const SocketAddress& address) noexcept {
  const SystemAddress name(address);
  return ::bind(socket, name.get(), name.size()) == 0 ? 0 : ::WSAGetLastError();
}

int listen(NativeSocket socket, int backlog) noexcept {
  return ::listen(socket, backlog) == 0 ? 0 : ::WSAGetLastError();
}

Refusal refusalOf(int error) noexcept {
  switch (error) {
    case 0:
      return Refusal::None;
    case WSAEADDRINUSE:
    case WSAEACCES:  // an exclusive socket has it, or the system keeps it for itself
      return Refusal::Busy;
    case WSAEADDRNOTAVAIL:
      return Refusal::NoSuchAddress;
    case WSAEAFNOSUPPORT:
    case WSAEFAULT:  // an address of the other family
    case WSAEINVAL:
      return Refusal::Invalid;
    default:
      return Refusal::Other;
  }
}

Socket connect(const SocketAddress& address, std::chrono::steady_clock::time_point deadline) {
  auto socket = newSocket(domainOf(address.family), SOCK_STREAM);
  if (!socket) {
    if (const int error = ::WSAGetLastError(); error != WSAEAFNOSUPPORT) {
      throwSystemError("socket", error);
    }
    return socket;
  }
  u_long isNonBlocking = 1;
  if (::ioctlsocket(socket.get(), static_cast<long>(FIONBIO), &isNonBlocking) != 0) {
    throwSystemError("ioctlsocket", ::WSAGetLastError());
  }
  const SystemAddress name(address);
  if (::connect(socket.get(), name.get(), name.size()) == 0) return socket;
  if (::WSAGetLastError() != WSAEWOULDBLOCK) return Socket();
  return isConnected(socket.get(), deadline) ? std::move(socket) : Socket();
}

void setReuse(NativeSocket /*socket*/, Reuse /*reuse*/, bool /*isOn*/) {}

bool hasReuse(NativeSocket socket, Reuse reuse) {
  return reuse == Reuse::Address && getOption(socket, SOL_SOCKET, SO_REUSEADDR) != 0;
}

void makeExclusive(NativeSocket socket) {
  if (hasReuse(socket, Reuse::Address)) return;  // as a socket for UDP may have it
  setOption(socket, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, 1);
}

const char* whyNoHolds() noexcept {
  return "this system cannot hold ports: on Windows no server can bind beside a socket that keeps "
         "others off; ask for Hold::None, and unset PORTPOOL_HOLD";
}

SocketAddress boundAddress(NativeSocket socket) {
  sockaddr_storage address{};
  int size = sizeof address;
  auto* const raw = reinterpret_cast<sockaddr*>(&address);
  if (::getsockname(socket, raw, &size) != 0) {
    const int error = ::WSAGetLastError();
    if (error != WSAEINVAL) throwSystemError("getsockname", error);
    WSAPROTOCOL_INFOW protocol{};  // it is not bound
    size = sizeof protocol;
    if (::getsockopt(socket, SOL_SOCKET, SO_PROTOCOL_INFOW, reinterpret_cast<char*>(&protocol),
                     &size) != 0) {
      throwSystemError("getsockopt", ::WSAGetLastError());
    }
    address.ss_family = static_cast<ADDRESS_FAMILY>(protocol.iAddressFamily);
  }
  return addressFrom(raw);
}

bool isDualStack(NativeSocket socket) { return getOption(socket, IPPROTO_IPV6, IPV6_V6ONLY) == 0; }

SocketType typeOf(NativeSocket socket) {
  return getOption(socket, SOL_SOCKET, SO_TYPE) == SOCK_STREAM ? SocketType::Stream
                                                               : SocketType::Datagram;
}

}  // namespace portpool::platform
