#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

/// A redis-server process, on the loopback addresses only. Keeps its data in memory.
class RedisServer {
 public:
  /// Starts the server and waits until it answers. Throws Collision if the port is taken or another
  /// server answers there.
  explicit RedisServer(std::uint16_t port);
  ~RedisServer();

  std::uint16_t port() const;
  int pid() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// A connection to a RedisServer.
class RedisClient {
 public:
  /// Throws Collision if the server that answers is not the process that `server` has started.
  explicit RedisClient(const RedisServer& server);
  ~RedisClient();

  /// Runs a command like {"SET", "key", "value"} and returns the reply as text, "" for nil. Throws
  /// if the reply is an error.
  std::string command(const std::vector<std::string>& words);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};
