#include <portpool/portpool.hpp>

int main() {
  const portpool::TCPPortOwner owner;
  portpool::PortSet ports;
  ports.insert(owner.port());
  return portpool::getServerTCPPorts().contains(*ports.begin()) ? 0 : 1;
}
