#include <portpool/catch2.hpp>

TEST_CASE("has a port") { CHECK(portpool::getNextAvailableTCPPort() != 0); }

TEST_CASE_METHOD(portpool::catch2::PortFixture, "listens on its port") {
  portpool::TCPPortOwner owner;
  CHECK(owner.listen().port() == owner.port());
}
