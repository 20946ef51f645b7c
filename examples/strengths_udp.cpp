// Ports for UDP, and one number for UDP and TCP together.

#include <portpool/gtest.hpp>

#include "echo_server.hpp"
#include "test_support.hpp"

#include <asio.hpp>

#include <string>

using asio::ip::udp;

namespace {

/// Sends a datagram to a server on the port; returns what that receives.
std::string sendTo(std::uint16_t port, const std::string& text) {
  asio::io_context io;
  udp::socket server(io, {asio::ip::make_address(portpool::kHost), port});
  udp::socket client(io, udp::v4());
  client.send_to(asio::buffer(text), server.local_endpoint());
  std::string received(100, '\0');
  received.resize(server.receive(asio::buffer(received)));
  return received;
}

}  // namespace

TEST(UDPPort, ReceivesDatagrams) {
  const auto token = randomToken();
  EXPECT_EQ(sendTo(portpool::getNextAvailableUDPPort(), token), token);
}

TEST(UDPPort, CanBeATCPPortToo) {
  portpool::PortRequest request;
  request.transport = portpool::Transport::Both;
  const auto port = portpool::getNextAvailableTCPPort(request);

  const auto token = randomToken();
  EchoServer server{port};
  EXPECT_EQ(sendTo(port, token), token);
  EXPECT_EQ(EchoClient(server).echo("hello"), "hello");
}
