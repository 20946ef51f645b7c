#pragma once

#include "client_processes.hpp"
#include "descriptor.hpp"

#include <portpool/portpool.hpp>

#include <sys/socket.h>
#include <sys/types.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace portpool::cli {

/// Answers requests for ports, one to a connection, on a listening Unix socket:
///
///     <pid>          a port, leased until that process ends, as from Google's portserver
///     <pid> <count>  the first of so many consecutive ports, leased alike
///     0              "portpool"
///
/// Request and answer are a line each. A request that is refused has no answer: its connection is
/// closed. What is refused is told on stderr, at most once a minute for each reason.
class PortServer {
 public:
  /// From now on SIGTERM, SIGINT and SIGHUP end the server.
  PortServer(Descriptor listener, const PortSet& ports, bool servesAnyUser);

  /// Serves until a signal ends it.
  void run();

 private:
  using Time = std::chrono::nanoseconds;  // since the system's start

  static constexpr std::size_t kLongestRequest = 32;
  static constexpr std::chrono::seconds kLongestSilence{1};
  static constexpr std::size_t kMostConnections = 1024;  // that have not sent their request

  struct Connection {
    Descriptor socket;
    ucred peer;
    Time begin;
    std::array<char, kLongestRequest> text{};
    std::size_t size = 0;
  };

  enum class Refusal { User, Request, Process, NoPort, Count };

  void watch(int descriptor, std::uint64_t event) const;
  int timeToWait() const;
  void handle(std::uint64_t event);

  void accept();
  /// Reads what is there, and answers the request if it is whole; returns whether the connection is
  /// over.
  bool proceed(Connection& connection);
  void answer(const Connection& connection, std::string_view text);
  bool send(const Connection& connection, const std::string& text) const;
  /// Leases ports for the process; none, having told why, if it cannot have them.
  std::vector<TCPPortOwner> take(std::size_t count);
  void refuse(Refusal reason, const std::string& message);

  const uid_t user_;
  const bool servesAnyUser_;
  const std::size_t mostDescriptors_;  // for leases and processes
  PortPool pool_;
  Descriptor listener_;
  Descriptor signals_;
  Descriptor epoll_;
  ClientProcesses processes_;
  std::map<std::uint64_t, Connection> connections_;  // in the order of their begin
  std::uint64_t nextConnection_ = 0;
  std::size_t missed_ = 0;  // so many ports were looked for in vain
  Time nextSearch_{0};      // for as many, unless a port comes back
  std::array<Time, static_cast<std::size_t>(Refusal::Count)> nextMessages_{};
};

}  // namespace portpool::cli
