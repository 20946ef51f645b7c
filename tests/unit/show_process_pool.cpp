// Allocates as many ports as its argument says, prints what it got, and ends.

#include <cstdlib>
#include <iostream>
#include <vector>

#include <portpool/portpool.hpp>

int main(int argc, char** argv) {
  using namespace portpool;
  try {
    auto& pool = PortPool::process();
    std::cout << "size " << pool.statistics().size << "\nseed " << pool.seed() << std::endl;
    std::vector<TCPPortOwner> owners(argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 0);
    for (const auto& owner : owners) std::cout << "got " << owner.port() << std::endl;
  } catch (const PortSpecificationError& error) {
    std::cout << "PortSpecificationError: " << error.what() << std::endl;
  } catch (const NoPortAvailableError& error) {
    std::cout << "NoPortAvailableError: " << error.what() << std::endl;
  }
}
