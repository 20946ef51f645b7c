// A listening socket, given to an Asio acceptor: there is no moment at which the port is free.

#include <portpool/gtest.hpp>

#include "test_support.hpp"

#include <asio.hpp>

using asio::ip::tcp;

TEST(ListeningSocket, BecomesAnAsioAcceptor) {
  auto socket = portpool::getListeningTCPSocket();
  asio::io_context io;
  tcp::acceptor acceptor(io, tcp::v4(), socket.release());  // which closes it in the end

  tcp::socket client(io);
  client.connect(acceptor.local_endpoint());  // succeeds before the server accepts
  auto session = acceptor.accept();
  const auto token = randomToken();
  asio::write(session, asio::buffer(token));
  std::string received(token.size(), '\0');
  asio::read(client, asio::buffer(received));
  EXPECT_EQ(received, token);
}

TEST(ListeningSocket, IsOnThePortOfAnOwner) {
  portpool::PortRequest request;
  request.hold = portpool::Hold::Shared;  // or another program could take the port before listen()
  portpool::TCPPortOwner owner(request);
  asio::io_context io;
  tcp::acceptor acceptor(io, tcp::v4(), owner.listen().release());
  EXPECT_EQ(acceptor.local_endpoint().port(), owner.port());
}
