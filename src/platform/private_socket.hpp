#pragma once

#include "platform/socket.hpp"

#include <cstdint>
#include <utility>

namespace portpool::platform {

/// A socket of this process alone: a forked child's copy is closed before the child can look.
class PrivateSocket {
 public:
  PrivateSocket() = default;
  /// Takes the socket over. Call it under the NoFork under which the socket was opened.
  explicit PrivateSocket(Socket socket) noexcept;
  PrivateSocket(PrivateSocket&& other) noexcept
      : socket_(std::move(other.socket_)), process_(other.process_) {}
  PrivateSocket& operator=(PrivateSocket&& other) noexcept {
    close();
    socket_ = std::move(other.socket_);
    process_ = other.process_;
    return *this;
  }
  ~PrivateSocket() { close(); }

  /// kNoSocket in a forked child.
  NativeSocket get() const noexcept;
  void close() noexcept;

 private:
  Socket socket_;
  std::uint64_t process_ = 0;
};

}  // namespace portpool::platform
