// Uses ports without portpool, in the order of its arguments:
//   bind|try tcp|udp ADDRESS PORT   binds a socket, which stays open; of `try` it may fail
//   connect tcp|udp ADDRESS PORT    which may fail
//   server-and-client               serves on a port that the system chooses, and connects to it
//   fork                            does the rest in a child
//   exec PROGRAM                    becomes it, by execl
// Options are somebody else's.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

struct Address {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  sockaddr* raw() { return reinterpret_cast<sockaddr*>(&storage); }
};

Address parse(const std::string& host, const std::string& port) {
  Address address;
  const auto number = htons(static_cast<std::uint16_t>(std::stoi(port)));
  auto& ipv4 = reinterpret_cast<sockaddr_in&>(address.storage);
  auto& ipv6 = reinterpret_cast<sockaddr_in6&>(address.storage);
  if (::inet_pton(AF_INET, host.c_str(), &ipv4.sin_addr) == 1) {
    ipv4.sin_family = AF_INET;
    ipv4.sin_port = number;
    address.size = sizeof ipv4;
  } else {
    ::inet_pton(AF_INET6, host.c_str(), &ipv6.sin6_addr);
    ipv6.sin6_family = AF_INET6;
    ipv6.sin6_port = number;
    address.size = sizeof ipv6;
  }
  return address;
}

int open(const std::string& protocol, Address& address) {
  return ::socket(address.raw()->sa_family, protocol == "udp" ? SOCK_DGRAM : SOCK_STREAM, 0);
}

}  // namespace

/// Its name stands in the report.
__attribute__((noinline)) bool takePort(const std::string& protocol, Address address) {
  const bool isBound = ::bind(open(protocol, address), address.raw(), address.size) == 0;
  if (!isBound) std::perror("bind");
  return isBound;
}

namespace {

void serveAndConnect() {
  auto address = parse("127.0.0.1", "0");
  const int server = open("tcp", address);
  if (::bind(server, address.raw(), address.size) != 0 || ::listen(server, 1) != 0) std::abort();
  ::getsockname(server, address.raw(), &address.size);
  if (::connect(open("tcp", address), address.raw(), address.size) != 0) std::abort();
}

}  // namespace

int main(int, char** arguments) {
  for (auto** word = arguments + 1; *word != nullptr; ++word) {
    const std::string step = *word;
    if (step == "server-and-client") {
      serveAndConnect();
    } else if (step == "fork") {
      const auto child = ::fork();
      int status = 0;
      if (child == 0) continue;
      ::waitpid(child, &status, 0);
      return WEXITSTATUS(status);
    } else if (step == "exec") {
      ::execl(word[1], word[1], "argument", nullptr);
      return errno;
    } else if (step[0] != '-') {
      const std::string protocol = *++word, host = *++word;
      auto address = parse(host, *++word);
      if (step == "connect") {
        static_cast<void>(::connect(open(protocol, address), address.raw(), address.size));
      } else if (!takePort(protocol, address) && step != "try") {
        return 1;
      }
    }
  }
}
