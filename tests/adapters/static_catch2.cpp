// A test program with ports in static objects.

#include "catch2_include.hpp"
#include "static_ports.hpp"

#include <portpool/catch2.hpp>

namespace {

const auto kPort = portpool::getNextAvailableTCPPort();

TEST_CASE("static ports are served") {
  CHECK(faultsOfStaticPort(kPort).empty());
  for (const auto port : staticPorts()) CHECK(faultsOfStaticPort(port).empty());
}

}  // namespace
