#include <portpool/catch2.hpp>

TEST_CASE("has its own ports") {
  REQUIRE(portpool::getNextAvailableTCPPort() != portpool::getNextAvailableTCPPort());
}

TEST_CASE_METHOD(portpool::catch2::PortFixture, "has its own ports in a fixture") {
  REQUIRE(getNextAvailableTCPPort() != getNextAvailableTCPPort());
}
