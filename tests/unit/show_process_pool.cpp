// Allocates as many ports as its argument says, prints what it got, and whether that is held, and
// ends.

#include <cstdlib>
#include <iostream>
#include <vector>

#include <portpool/portpool.hpp>

#include "system/sockets.hpp"

namespace {

bool isBound(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  const portpool::ListeningSocket socket(::socket(AF_INET, SOCK_STREAM, 0));
  return ::bind(socket.nativeHandle(), reinterpret_cast<const sockaddr*>(&address),
                sizeof address) != 0;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace portpool;
  try {
    auto& pool = PortPool::process();
    std::cout << "size " << pool.statistics().size << "\nseed " << pool.seed() << std::endl;
    std::vector<TCPPortOwner> owners(argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 0);
    for (const auto& owner : owners) {
      std::cout << "got " << owner.port() << (isBound(owner.port()) ? " held" : "") << std::endl;
    }
  } catch (const PortSpecificationError& error) {
    std::cout << "PortSpecificationError: " << error.what() << std::endl;
  } catch (const IsolationError& error) {
    std::cout << "IsolationError: " << error.what() << std::endl;
  } catch (const NoPortAvailableError& error) {
    std::cout << "NoPortAvailableError: " << error.what() << std::endl;
  }
}
