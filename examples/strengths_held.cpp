// Held ports: bound by portpool, so that no other program takes them before the server does. The
// server must set SO_REUSEADDR, as Asio does. PORTPOOL_HOLD=1 holds the ports of a whole suite.

#include <portpool/gtest.hpp>

#include "echo_server.hpp"
#include "test_support.hpp"

#include <asio.hpp>

using asio::ip::tcp;

namespace {

tcp::endpoint endpointOf(std::uint16_t port) {
  return {asio::ip::make_address(portpool::kHost), port};
}

std::error_code connectTo(std::uint16_t port) {
  asio::io_context io;
  tcp::socket client(io);
  std::error_code error;
  client.connect(endpointOf(port), error);
  return error;
}

/// Fails if a program that does not set SO_REUSEADDR can take the port.
void expectNobodyCanTake(std::uint16_t port) {
  asio::io_context io;
  EXPECT_THROW(tcp::acceptor(io, endpointOf(port), /*reuse_addr=*/false), std::system_error);
}

}  // namespace

TEST(HeldPort, IsTheServersEvenWhileItRestarts) {
  portpool::PortRequest request;
  request.hold = portpool::Hold::Shared;
  const auto port = portpool::getNextAvailableTCPPort(request);

  for (int restart = 0; restart < 3; ++restart) {
    expectNobodyCanTake(port);
    EXPECT_EQ(connectTo(port), asio::error::connection_refused);
    EchoServer server{port};
    EXPECT_EQ(EchoClient(server).echo("hello"), "hello");
  }
}

TEST(RefusedPort, IsForTestsOfAServerThatIsDown) {
  const auto port = portpool::getRefusedTCPPort();
  EXPECT_EQ(connectTo(port), asio::error::connection_refused);
  EXPECT_THROW(EchoServer{port}, Collision);  // nobody can listen there
}
