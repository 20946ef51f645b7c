#pragma once

#include <cstdint>
#include <memory>
#include <string>

/// A server in this process. Answers each line with its own random token and the line.
class EchoServer {
 public:
  /// Listens on `port` of `host`, an address, until it is destroyed. Throws Collision if the port
  /// is taken.
  explicit EchoServer(std::uint16_t port, const std::string& host = "127.0.0.1");
  ~EchoServer();

  std::uint16_t port() const;
  std::string host() const;
  const std::string& token() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// A connection to an EchoServer.
class EchoClient {
 public:
  explicit EchoClient(const EchoServer& server);
  ~EchoClient();

  /// Sends `line`, which has no line end in it, and returns what comes back, less the token.
  /// Throws Collision if it is not the token of the server that the client was made for.
  std::string echo(const std::string& line);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};
