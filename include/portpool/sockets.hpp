#pragma once

#include <portpool/cpp17.hpp>

#include <portpool/port_request.hpp>

#include <chrono>
#include <cstdint>
#include <string>

#pragma GCC visibility push(default)
namespace portpool {

/// The loopback addresses. From CPython's test support.
inline constexpr const char* kHost = "127.0.0.1";
inline constexpr const char* kHostV6 = "::1";

/// The system's type for a socket: a file descriptor, or on Windows a SOCKET.
#ifdef _WIN32
using NativeSocket = std::uintptr_t;
#else
using NativeSocket = int;
#endif

/// The invalid socket handle.
inline constexpr NativeSocket kNoSocket = static_cast<NativeSocket>(-1);

enum class SocketType {
  Stream,    ///< TCP
  Datagram,  ///< UDP
};

/// Owns a listening TCP socket. Move-only.
class ListeningSocket {
 public:
  /// Takes ownership of the socket.
  explicit ListeningSocket(NativeSocket socket) noexcept : socket_(socket) {}
  ListeningSocket(ListeningSocket&& other) noexcept : socket_(other.release()) {}
  ListeningSocket& operator=(ListeningSocket&& other) noexcept;
  ~ListeningSocket() { close(); }

  /// The socket, which this object still owns; kNoSocket if it has none.
  NativeSocket nativeHandle() const noexcept { return socket_; }

  /// The port on which it listens. Throws PortPoolError if it has no socket. Thread-safe.
  std::uint16_t port() const;

  /// Gives up ownership: the caller must close the socket.
  NativeSocket release() noexcept {
    const NativeSocket socket = socket_;
    socket_ = kNoSocket;
    return socket;
  }

  void close() noexcept;

 private:
  NativeSocket socket_;
};

/// Returns when a TCP connection to the port succeeds; the server sees a connection that is closed
/// at once. `childPid` is the server's process, if there is one to watch; it need not be a child.
/// Throws NotListeningError, with the elapsed time, after `timeout` (at most a day) or as soon as
/// that process is found dead, and HostError if the host does not resolve. Leaves the child for its
/// parent to reap. Thread-safe. From PySys's `waitForSocket`.
void waitUntilListening(std::uint16_t port, const std::string& host = kHost,
                        std::chrono::milliseconds timeout = std::chrono::milliseconds(60000),
                        int childPid = 0);

/// Returns an ephemeral port that was free a moment ago on the loopback address of the family (on
/// every address of both families for AddressFamily::Any). Nothing keeps it free: the system may
/// give it to the next socket bound to port 0 or to the next outgoing connection of any process.
/// Use it for a port on which most likely nothing listens. For a server, use
/// getNextAvailableTCPPort or bindPort. Throws HostError if the kernel lacks the family,
/// DescriptorLimitError if no descriptor is left. Thread-safe. From CPython's
/// `test.support.socket_helper.find_unused_port`.
std::uint16_t findUnusedPort(AddressFamily family = AddressFamily::IPv4,
                             SocketType type = SocketType::Stream);

/// Binds `socket` to an ephemeral port of `host` and returns the port, which belongs to the socket
/// as long as it is open. The best choice for a server that accepts a bound socket. Throws
/// PortPoolError if it is a TCP socket with SO_REUSEADDR or SO_REUSEPORT set, since others could
/// then bind the port too, or if it cannot be bound; HostError if the host is not an address of
/// this machine or not of the socket's family.
/// Thread-safe. From CPython's `test.support.socket_helper.bind_port`.
std::uint16_t bindPort(NativeSocket socket, const std::string& host = kHost);

}  // namespace portpool
#pragma GCC visibility pop
