// A test program with ports in static objects.

#include "static_ports.hpp"

#include <portpool/gtest.hpp>

namespace {

const auto kPort = portpool::getNextAvailableTCPPort();

TEST(StaticPorts, AreServed) {
  EXPECT_EQ(faultsOfStaticPort(kPort), "");
  for (const auto port : staticPorts()) EXPECT_EQ(faultsOfStaticPort(port), "");
}

}  // namespace
