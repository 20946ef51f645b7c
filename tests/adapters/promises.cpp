#include "promises.hpp"

#include "subject.hpp"

#include <array>
#include <asio.hpp>
#include <cstdlib>
#include <list>

using asio::ip::tcp;
using asio::ip::udp;

namespace {

/// A server with SO_REUSEADDR, as nearly all set it, or without.
struct Server {
  explicit Server(std::uint16_t port, bool reuse = true)
      : acceptor(context, {asio::ip::address_v4::loopback(), port}, reuse) {}
  asio::io_context context;
  tcp::acceptor acceptor;
};

bool canServe(std::uint16_t port, bool reuse) {
  try {
    const Server server(port, reuse);
    return true;
  } catch (const std::system_error&) {
    return false;
  }
}

std::error_code connectTo(std::uint16_t port) {
  asio::io_context context;
  tcp::socket client(context);
  std::error_code error;
  client.connect({asio::ip::address_v4::loopback(), port}, error);
  return error;
}

bool receives(std::uint16_t port) {
  asio::io_context context;
  udp::socket server(context, {asio::ip::address_v4::loopback(), port});
  udp::socket client(context, udp::v4());
  client.send_to(asio::buffer("x", 1), server.local_endpoint());
  std::array<char, 2> datagram{};
  return server.receive(asio::buffer(datagram)) == 1 && datagram[0] == 'x';
}

std::list<TokenServer>& leftServers() {
  static std::list<TokenServer> servers;
  return servers;
}

}  // namespace

portpool::PortRequest held() {
  portpool::PortRequest request;
  request.hold = portpool::Hold::Shared;
  return request;
}

bool isHeld(std::uint16_t port) { return !canServe(port, false) && canServe(port, true); }

std::string faultsOf(const Promised& promised) {
  std::string faults;
  const auto check = [&faults](bool isKept, const char* promise) {
    if (!isKept) faults += std::string(faults.empty() ? "" : ", ") + promise;
  };

  std::list<TokenServer> servers;
  for (const auto port : promised.several) servers.emplace_back(port);
  check(servers.size() == 3, "three ports");
  for (int port = promised.block.first; port <= promised.block.last; ++port) {
    servers.emplace_back(static_cast<std::uint16_t>(port));
  }
  check(servers.size() == 6, "a block of three");
  for (const auto& server : servers) check(server.isReached(), "a port to serve on");

  check(receives(promised.udp), "a UDP port");
  check(isHeld(promised.held), "a held port");
  check(connectTo(promised.held) == asio::error::connection_refused, "no connection while held");
  check(connectTo(promised.refused) == asio::error::connection_refused, "a refused connection");
  check(!canServe(promised.refused, true), "a port that nobody can bind");

  const auto port = promised.listening.port();
  check(!canServe(port, true), "a listening port of one's own");
  check(!connectTo(port), "a socket that listens");
  return faults;
}

void leaveServer(std::uint16_t port) {
  leftServers().emplace_back(port);
  note("left", port);
}

void endLeftServers() { leftServers().clear(); }

void leaveTimeWait(std::uint16_t port) {
  Server server(port);
  tcp::socket client(server.context);
  client.connect(server.acceptor.local_endpoint());
  auto session = server.acceptor.accept();
  // Who ends first is left in TIME_WAIT, once the other has ended too.
  session.shutdown(tcp::socket::shutdown_send);
  std::array<char, 1> nothing{};
  std::error_code endOfStream;
  client.read_some(asio::buffer(nothing), endOfStream);
  client.close();
  session.read_some(asio::buffer(nothing), endOfStream);
  note("left in TIME_WAIT", port);
}

bool canServeOnHardCodedPort() {
  const char* port = std::getenv("SUBJECT_PORT");
  try {
    return TokenServer(static_cast<std::uint16_t>(std::stoi(port == nullptr ? "" : port)))
        .isReached();
  } catch (const std::system_error&) {
    return false;
  }
}
