#pragma once

#include <cstdint>
#include <memory>

/// A TCP server on every IPv4 address of a port, bound without SO_REUSEADDR, that tells who
/// connects a token of its own. It leaves no connection in TIME_WAIT on the port.
class TokenServer {
 public:
  /// Throws std::system_error if the port is taken.
  explicit TokenServer(std::uint16_t port);
  ~TokenServer();

  /// Connects to the port; returns whether that leads to this server and gets its token.
  bool isReached() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};
