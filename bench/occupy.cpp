// A crowded machine: `occupy FROM TO` binds, of the server ports in a random order, those from FROM
// to TO per cent, as a program that knows nothing of portpool does. Prints how many it has, and
// ends with its stdin.

#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdint>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include <portpool/portpool.hpp>

int main(int count, char** arguments) {
  if (count != 3) {
    std::cerr << "usage: occupy FROM TO\n";
    return 2;
  }
  const auto set = portpool::getServerTCPPorts();
  std::vector<std::uint16_t> ports(set.begin(), set.end());
  std::shuffle(ports.begin(), ports.end(), std::mt19937_64(1));
  const auto first = ports.size() * std::stoul(arguments[1]) / 100;
  const auto last = ports.size() * std::stoul(arguments[2]) / 100;

  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  int occupied = 0;
  for (auto i = first; i < last; ++i) {
    const int socket = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket < 0) {
      std::cerr << "occupy: only " << occupied << " sockets can be opened; allow "
                << last - first + 10 << " (ulimit -Hn)\n";
      return 1;
    }
    sockaddr_in6 everyAddress{};
    everyAddress.sin6_family = AF_INET6;
    everyAddress.sin6_port = htons(ports[i]);
    if (::bind(socket, reinterpret_cast<const sockaddr*>(&everyAddress), sizeof everyAddress) == 0)
      ++occupied;
  }
  std::cout << occupied << std::endl;
  std::cin.get();
}
