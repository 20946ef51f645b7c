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

/// The loop of one thread that reads requests from connections to a listening Unix socket, one for
/// each connection, and sends the server's answer or closes the connection without one. A request
/// is a line, or whatever has arrived when the other end closes the connection.
class RequestLoop {
 public:
  /// The loop ends when `end` becomes readable.
  RequestLoop(int listener, int end, PortServer& server);

  /// A request that fails for want of memory or the like ends its connection, and no more.
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
  void handle(std::uint64_t event);
  void accept();
  /// Reads what has arrived, and answers the request if it is complete; returns whether the
  /// connection is finished.
  bool proceed(Connection& connection);

  int listener_;
  PortServer& server_;
  Descriptor epoll_;
  std::map<std::uint64_t, Connection> connections_;  // in the order in which they were accepted
  std::uint64_t nextConnection_ = 100;               // beyond the other events
};

}  // namespace portpool::cli
