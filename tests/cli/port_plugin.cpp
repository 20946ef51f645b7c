// A library that binds the port $PLUGIN_PORT as it is initialized, and in a thread that it waits
// for.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <thread>

namespace {

void takePort(const char* port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(port)));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  if (::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) std::abort();
}

__attribute__((constructor)) void begin() {
  const char* port = std::getenv("PLUGIN_PORT");
  if (port != nullptr) std::thread(takePort, port).join();
}

}  // namespace
