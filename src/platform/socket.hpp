#pragma once

#include "platform/socket_address.hpp"

#include <portpool/port_request.hpp>
#include <portpool/sockets.hpp>

#include <chrono>

namespace portpool::platform {

/// Owns a socket, or on POSIX any descriptor.
class Socket {
 public:
  Socket() = default;
  explicit Socket(NativeSocket socket) : socket_(socket) {}
  Socket(Socket&& other) noexcept : socket_(other.release()) {}
  Socket& operator=(Socket&& other) noexcept {
    close();
    socket_ = other.release();
    return *this;
  }
  ~Socket() { close(); }

  explicit operator bool() const noexcept { return socket_ != kNoSocket; }
  NativeSocket get() const noexcept { return socket_; }
  NativeSocket release() noexcept {
    const NativeSocket socket = socket_;
    socket_ = kNoSocket;
    return socket;
  }
  void close() noexcept;

 private:
  NativeSocket socket_ = kNoSocket;
};

// All of these that throw do so as throwSystemError() does.

/// Opens a socket that is exclusive, as long as it has no Reuse, and that no child sees after its
/// exec: for IPv4, for IPv6 only, or for both families. Returns none if the kernel lacks the
/// family. Throws.
Socket openSocket(AddressFamily family, SocketType type);

/// Binds the socket; returns 0 or the error.
int bind(NativeSocket socket, const SocketAddress& address) noexcept;

/// Makes the socket listen; returns 0 or the error.
int listen(NativeSocket socket, int backlog) noexcept;

/// What an error of bind() or listen() means.
enum class Refusal {
  None,  ///< no error
  Busy,
  Forbidden,      ///< this user may not bind the port
  NoSuchAddress,  ///< of this machine
  Invalid,        ///< a link-local address without its interface, or a socket that is bound already
  Other,
};
Refusal refusalOf(int error) noexcept;

/// Connects a TCP socket to the address; returns none unless that succeeds before `deadline`, which
/// is at most a day ahead. Throws.
Socket connect(const SocketAddress& address, std::chrono::steady_clock::time_point deadline);

/// Which other sockets may be bound to the port of a socket, beside it.
enum class Reuse {
  Address,  ///< connections that linger, and sockets that have it too: SO_REUSEADDR
  Port,     ///< sockets of the same user that have it too: SO_REUSEPORT
};
/// Takes effect also after the socket was bound. Throws.
void setReuse(NativeSocket socket, Reuse reuse, bool isOn);
bool hasReuse(NativeSocket socket, Reuse reuse);  ///< Throws.

/// Makes a socket exclusive that somebody else opened, unless it has Reuse. Throws.
void makeExclusive(NativeSocket socket);

/// Null if a bound socket keeps all others off on this system, except servers that have the same
/// Reuse, as `Hold` promises. Otherwise the reason, and what to do about it.
const char* whyNoHolds() noexcept;

/// The address to which the socket is bound; every address with port 0 if it is not bound. Throws.
SocketAddress boundAddress(NativeSocket socket);

/// Whether an IPv6 socket serves both families. Throws.
bool isDualStack(NativeSocket socket);

SocketType typeOf(NativeSocket socket);  ///< Throws.

}  // namespace portpool::platform
