#pragma once

#include "descriptor.hpp"
#include "port_server.hpp"

#include <sys/socket.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>

namespace portpool::cli {

/// One thread's part in reading requests from the connections to a listening Unix socket, one to a
/// connection, and sending the answers of a server, or closing the connection without one. A
/// request is a line, or what has come when the connection's other end is closed.
class RequestLoop {
 public:
  /// `end` becomes readable when the loop has to end.
  RequestLoop(int listener, int end, PortServer& server);

  void run();

 private:
  static constexpr std::size_t kLongestRequest = 32;
  static constexpr std::chrono::seconds kLongestSilence{5};  // a client may wait for its processor
  static constexpr std::size_t kMostConnections = 1024;      // that have not sent their request

  struct Connection {
    Descriptor socket;
    ucred peer;
    std::chrono::nanoseconds accepted;
    std::array<char, kLongestRequest> text{};
    std::size_t size = 0;
  };

  void watch(int descriptor, std::uint64_t event, unsigned flags = 0) const;
  int timeToWait() const;
  void accept();
  /// Reads what is there, and answers the request if it is whole; returns whether the connection is
  /// over.
  bool proceed(Connection& connection);

  int listener_;
  PortServer& server_;
  Descriptor epoll_;
  std::map<std::uint64_t, Connection> connections_;  // in the order in which they were accepted
  std::uint64_t nextConnection_ = 100;               // beyond the other events
};

}  // namespace portpool::cli
