#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

/// A connection to a server of this machine whose protocol is made of lines.
class TextClient {
 public:
  explicit TextClient(std::uint16_t port);
  ~TextClient();

  /// Sends `line` and a line end.
  void sendLine(const std::string& line);
  /// The next line, without its end.
  std::string readLine();
  /// What else comes until the server closes the connection.
  std::string readToTheEnd();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// What a web server answers to a request for `path`, headers included.
std::string httpGet(std::uint16_t port, const std::string& path);
