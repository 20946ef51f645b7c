// Linked before the source file that has the adapter, and without it.

#include "static_ports.hpp"

namespace {

const auto kPort = portpool::getNextAvailableTCPPort();
const auto kSeveral = portpool::getNextAvailableTCPPorts(3);
const auto kThird = kSeveral.at(2);
const auto kNamed = portpool::getNamedTCPPortBlock("static", 2);
const portpool::TCPPortOwner kOwner;

}  // namespace

std::vector<std::uint16_t> staticPorts() {
  return {kPort, kThird, kNamed.first, kNamed.last, kOwner.port()};
}
