// Uses a port without portpool: `holder bound|listening|datagrams PORT`. Says "ready" when it does,
// and ends with its stdin.

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <iostream>
#include <string>

int main(int, char** arguments) {
  const std::string mode = arguments[1];
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(arguments[2])));
  const int type = mode == "datagrams" ? SOCK_DGRAM : SOCK_STREAM;
  const int socket = ::socket(AF_INET, type | SOCK_CLOEXEC, 0);
  if (::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return 1;
  if (mode == "listening" && ::listen(socket, 1) != 0) return 1;
  std::cout << "ready" << std::endl;
  std::cin.get();
}
