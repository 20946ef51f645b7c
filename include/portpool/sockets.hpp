#pragma once

#include <portpool/cpp17.hpp>

#include <portpool/port_request.hpp>

#include <chrono>
#include <cstdint>
#include <string>

namespace portpool {

/// The loopback addresses. From CPython's test support.
inline constexpr const char* kHost = "127.0.0.1";
inline constexpr const char* kHostV6 = "::1";

/// A socket of the system: on POSIX a descriptor.
using NativeSocket = int;

enum class SocketType {
  Stream,    ///< TCP
  Datagram,  ///< UDP
};

/// Owns a listening TCP socket. Move-only.
class ListeningSocket {
 public:
  /// Takes the socket over.
  explicit ListeningSocket(NativeSocket socket) noexcept : socket_(socket) {}
  ListeningSocket(ListeningSocket&& other) noexcept : socket_(other.release()) {}
  ListeningSocket& operator=(ListeningSocket&& other) noexcept;
  ~ListeningSocket() { close(); }

  /// The socket, which stays this object's; -1 if it has none (any more).
  NativeSocket nativeHandle() const noexcept { return socket_; }

  /// The port on which it listens. Throws PortPoolError if it has no socket. Thread-safe.
  std::uint16_t port() const;

  /// Gives the socket away: the caller closes it.
  NativeSocket release() noexcept {
    const NativeSocket socket = socket_;
    socket_ = -1;
    return socket;
  }

  void close() noexcept;

 private:
  NativeSocket socket_;
};

/// Returns when a TCP connection to the port succeeds; the server sees one that is closed at once.
/// `childPid` is the process of the server, if there is one to watch, and need not be a child.
/// Throws NotListeningError, with the time that went by, after `timeout`, a day at most, or as soon
/// as that process is seen dead; HostError if the host does not resolve. Leaves the child for its
/// parent to reap. Thread-safe. From PySys's `waitForSocket`.
void waitUntilListening(std::uint16_t port, const std::string& host = kHost,
                        std::chrono::milliseconds timeout = std::chrono::seconds(60),
                        int childPid = 0);

/// Returns an ephemeral port that was free a moment ago on the loopback address of the family (on
/// every address of both for AddressFamily::Any). Nothing keeps it free: the system may give it to
/// the next socket bound to port 0 and to the next outgoing connection, of any process. It serves
/// to have a port on which, most likely, nothing listens. A server gets its port from
/// getNextAvailableTCPPort, or from bindPort.
/// Throws HostError if the kernel lacks the family, DescriptorLimitError if no descriptor is left.
/// Thread-safe. From CPython's `test.support.socket_helper.find_unused_port`.
std::uint16_t findUnusedPort(AddressFamily family = AddressFamily::IPv4,
                             SocketType type = SocketType::Stream);

/// Binds `socket` to an ephemeral port of `host` and returns the port, which is the socket's for as
/// long as it is open: the way to go for a server that takes a bound socket.
/// Throws PortPoolError if it is a TCP socket with SO_REUSEADDR or SO_REUSEPORT set, since others
/// could then bind the port too, or if it cannot be bound; HostError if the host is none of this
/// machine's or not of the socket's family.
/// Thread-safe. From CPython's `test.support.socket_helper.bind_port`.
std::uint16_t bindPort(NativeSocket socket, const std::string& host = kHost);

}  // namespace portpool
