#pragma once

#include "server_process.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

/// A PostgreSQL server with a database cluster of its own, on the loopback address only. It makes
/// no promise to survive a crash of the machine, which a test does not need and which takes time.
class PostgresqlServer {
 public:
  /// Makes the cluster, starts the server, and waits until it answers.
  explicit PostgresqlServer(std::uint16_t port);

  std::uint16_t port() const { return port_; }
  /// The name of the cluster, which no other has.
  const std::string& name() const { return name_; }

  /// Stops the server and starts it again, on the same port and with its data.
  void restart();

 private:
  const std::uint16_t port_;
  const std::string name_;
  const ServerFolder folder_{"postgresql"};
  std::optional<ServerProcess> process_;
};

/// A connection to a PostgresqlServer.
class PostgresqlClient {
 public:
  /// Throws Collision if another server than `server` answers.
  explicit PostgresqlClient(const PostgresqlServer& server);
  ~PostgresqlClient();

  /// Runs a statement and returns the first value of its result, or "". Throws if it fails.
  std::string run(const std::string& statement);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};
