#include <portpool/portpool.hpp>

int main() {
  const portpool::TCPPortOwner owner;
  return portpool::getServerTCPPorts().contains(owner.port()) ? 0 : 1;
}
