#pragma once

// What the subjects share: small test programs that the adapters' tests run, which tell on stderr
// what happens, in order, and which leases they hold at that moment.

#include "support/token_server.hpp"

#include <cstdint>
#include <string>

/// Writes the line "event|<label>|<port>|<ports whose leases this process holds>". The first call
/// also sees to it that the last line of the program is the event "exit".
void note(const std::string& label, std::uint16_t port = 0);

/// Notes that something begins and ends. As the first member of a fixture or the first object of a
/// body it ends after all that use ports.
class Bracket {
 public:
  explicit Bracket(std::string label);
  Bracket(const Bracket&) = delete;
  Bracket& operator=(const Bracket&) = delete;
  ~Bracket();

 private:
  std::string label_;
};

/// A server whose start and end are noted; the end before its socket is closed.
class NotedServer {
 public:
  explicit NotedServer(std::uint16_t port);
  NotedServer(const NotedServer&) = delete;
  NotedServer& operator=(const NotedServer&) = delete;
  ~NotedServer();

  std::uint16_t port() const { return port_; }
  bool isReached() const { return server_.isReached(); }

 private:
  std::uint16_t port_;
  TokenServer server_;
};
