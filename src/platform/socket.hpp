#pragma once

#include <portpool/port_request.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace portpool::platform {

/// A descriptor, closed when it ends.
class Socket {
 public:
  Socket() = default;
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  Socket(Socket&& other) noexcept : descriptor_(other.release()) {}
  Socket& operator=(Socket&& other) noexcept {
    close();
    descriptor_ = other.release();
    return *this;
  }
  ~Socket() { close(); }

  explicit operator bool() const noexcept { return descriptor_ >= 0; }
  int get() const noexcept { return descriptor_; }
  int release() noexcept { return std::exchange(descriptor_, -1); }
  void close() noexcept;

 private:
  int descriptor_ = -1;
};

/// A socket of this process alone: a forked child's copy is closed before the child can look.
class PrivateSocket {
 public:
  PrivateSocket() = default;
  /// Takes the socket over. Throws std::bad_alloc, having closed it. Call it under the NoFork under
  /// which the socket was opened.
  explicit PrivateSocket(Socket socket);
  PrivateSocket(PrivateSocket&& other) noexcept
      : socket_(std::move(other.socket_)), process_(other.process_) {}
  PrivateSocket& operator=(PrivateSocket&& other) noexcept {
    close();
    socket_ = std::move(other.socket_);
    process_ = other.process_;
    return *this;
  }
  ~PrivateSocket() { close(); }

  /// Negative in a forked child.
  int get() const noexcept;
  void close() noexcept;

 private:
  Socket socket_;
  std::uint64_t process_ = 0;
};

/// A socket address of either family, as the system lays it out.
struct SocketAddress {
  alignas(8) std::array<std::byte, 32> bytes{};
  std::size_t size = 0;
};

/// The addresses of `host`, of the families asked for. Throws HostError if there are none.
std::vector<SocketAddress> addressesOf(const std::string& host, AddressFamily family);

void setPort(SocketAddress& address, std::uint16_t port);

/// Whether a connection to the address succeeds before `deadline`. Throws PortPoolError.
bool canConnect(SocketAddress& address, std::chrono::steady_clock::time_point deadline);

}  // namespace portpool::platform
