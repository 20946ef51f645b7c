#include <portpool/catch2.hpp>

#include "echo_server.hpp"

TEST_CASE("echoes") {
  EchoServer server{
      portpool::getNextAvailableTCPPort()};  // returned when this run of the body ends
  CHECK(EchoClient(server).echo("hello") == "hello");
}

TEST_CASE_METHOD(portpool::catch2::PortFixture, "echoes, with a fixture") {
  EchoServer server{getNextAvailableTCPPort()};  // returned after the fixture is destroyed
  CHECK(EchoClient(server).echo("hello") == "hello");
}
