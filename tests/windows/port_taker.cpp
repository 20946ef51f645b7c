// Takes ports out of those in its argument, as it is told to by lines, and answers each.
//   take          a port at once: its number, or 0
//   wait          a port, waiting for it
//   several <n>   n ports, waiting for them: the numbers
//   return        all of them: ok
//   serve <n>     n times a port, with a server on it: ok, or what went wrong

#include <cstdint>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <portpool/portpool.hpp>

#include "platform/socket.hpp"
#include "platform/windows/winsock.hpp"

namespace {

using namespace portpool;

PortPoolOptions waiting(std::chrono::milliseconds time) {
  PortPoolOptions options;
  options.waitTime = time;
  return options;
}

/// As most programs do it: without SO_EXCLUSIVEADDRUSE, and so without protection.
void serveOnce(std::uint16_t port) {
  const platform::Socket server(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (::bind(server.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(server.get(), 1) != 0) {
    throw std::runtime_error("no server can bind port " + std::to_string(port) + ": error " +
                             std::to_string(::WSAGetLastError()));
  }
}

class Taker {
 public:
  explicit Taker(const PortSet& ports)
      : impatient_(ports, waiting(std::chrono::milliseconds::zero())),
        patient_(ports, waiting(std::chrono::seconds(60))) {}

  std::string answer(const std::string& command, std::size_t count) {
    if (command == "take") {
      try {
        owners_.push_back(impatient_.allocate());
        return std::to_string(owners_.back().port());
      } catch (const NoPortAvailableError&) {
        return "0";
      }
    }
    if (command == "wait") {
      owners_.push_back(patient_.allocate());
      return std::to_string(owners_.back().port());
    }
    if (command == "several") {
      std::string ports;
      for (auto& owner : patient_.allocateSeveral(count)) {
        ports += (ports.empty() ? "" : " ") + std::to_string(owner.port());
        owners_.push_back(std::move(owner));
      }
      return ports;
    }
    if (command == "return") {
      owners_.clear();
      return "ok";
    }
    if (command == "serve") {
      for (std::size_t i = 0; i < count; ++i) serveOnce(patient_.allocate().port());
      return "ok";
    }
    throw std::runtime_error("there is no command " + command);
  }

 private:
  PortPool impatient_, patient_;
  std::vector<TCPPortOwner> owners_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  platform::startWinsock();
  try {
    Taker taker(parsePortSet(argv[1], "the argument"));
    std::cout << "ready" << std::endl;
    for (std::string line; std::getline(std::cin, line);) {
      std::istringstream words(line);
      std::string command;
      std::size_t count = 0;
      words >> command >> count;
      std::cout << taker.answer(command, count) << std::endl;
    }
  } catch (const std::exception& error) {
    std::cout << error.what() << std::endl;
    return 1;
  }
}
