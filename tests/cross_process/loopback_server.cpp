#include "loopback_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>
#include <system_error>

#include "platform/posix/sockets.hpp"

namespace portpool::test {
namespace {

class Descriptor {
 public:
  Descriptor(int descriptor, const char* what) : descriptor_(descriptor) {
    check(descriptor, what);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { ::close(descriptor_); }

  // NOLINTNEXTLINE(google-explicit-constructor): as system calls take it
  operator int() const { return descriptor_; }

  static void check(long result, const std::string& what) {
    if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  }

 private:
  int descriptor_;
};

struct LoopbackAddress {
  LoopbackAddress(const char* host, std::uint16_t port)
      : text(std::string(host) + ':' + std::to_string(port)) {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
    if (::inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
      storage.ss_family = AF_INET;
      size = sizeof *v4;
    } else {
      ::inet_pton(AF_INET6, host, &v6->sin6_addr);
      storage.ss_family = AF_INET6;
      size = sizeof *v6;
    }
    v4->sin_port = htons(port);
  }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }

  std::string text;
  sockaddr_storage storage{};
  socklen_t size = 0;
};

}  // namespace

void serveOnce(std::uint16_t port) {
  static std::atomic<std::uint64_t> count{0};
  const std::uint64_t turn = count++;
  const auto token = static_cast<std::uint64_t>(::getpid()) << 32 | turn;
  struct Route {
    const char* server;
    const char* client;
  };
  constexpr Route kRoutes[] = {
      {"0.0.0.0", "127.0.0.1"}, {"127.0.0.1", "127.0.0.1"}, {"::", "127.0.0.1"}, {"::1", "::1"}};
  const auto& route = kRoutes[turn % std::size(kRoutes)];

  const LoopbackAddress serverAddress(route.server, port);
  const Descriptor listener(
      platform::newSocket(serverAddress.storage.ss_family, SOCK_STREAM).release(), "socket");
  Descriptor::check(::bind(listener, serverAddress.get(), serverAddress.size),
                    "bind to " + serverAddress.text);
  Descriptor::check(::listen(listener, 4), "listen on " + serverAddress.text);

  const LoopbackAddress clientAddress(route.client, port);
  const Descriptor client(
      platform::newSocket(clientAddress.storage.ss_family, SOCK_STREAM).release(), "socket");
  const linger reset{1, 0};
  Descriptor::check(::setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof reset),
                    "setsockopt");
  Descriptor::check(::connect(client, clientAddress.get(), clientAddress.size),
                    "connect to " + clientAddress.text);
  std::uint64_t received = 0;
  {
    const Descriptor connection(::accept(listener, nullptr, nullptr), "accept");
    Descriptor::check(::send(connection, &token, sizeof token, MSG_NOSIGNAL), "send");
    Descriptor::check(::recv(client, &received, sizeof received, MSG_WAITALL), "recv");
    // The client resets the connection before the server's end of it is closed.
    sockaddr unspecified{};
    unspecified.sa_family = AF_UNSPEC;
    Descriptor::check(::connect(client, &unspecified, sizeof unspecified), "reset");
  }
  if (received != token)
    throw std::runtime_error("another server answers on " + clientAddress.text);
}

}  // namespace portpool::test
