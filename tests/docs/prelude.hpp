// What the wrapped blocks of the documentation take for granted.

#include <portpool/gtest.hpp>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

/// Listens on the port.
class Server {
 public:
  explicit Server(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    const int on = 1;
    ::setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(socket_, 8), 0);
  }
  ~Server() { ::close(socket_); }

 private:
  int socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
};

inline bool canConnect(int port) {
  try {
    portpool::waitUntilListening(static_cast<std::uint16_t>(port), portpool::kHost,
                                 std::chrono::milliseconds(0));
    return true;
  } catch (const portpool::NotListeningError&) {
    return false;
  }
}

/// Stands for a client that returns a page.
inline std::string get(const std::string& url) {
  return url.rfind("http://localhost:", 0) == 0 ? "ok" : "";
}
