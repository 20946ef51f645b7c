// Uses a port without portpool: `holder bound|listening|datagrams PORT`. Says "ready" when it does,
// and ends with its stdin.

#include <asio.hpp>
#include <cstdint>
#include <iostream>
#include <optional>
#include <string>

// NOLINTNEXTLINE(bugprone-exception-escape): it ends then, and says why
int main(int, char** arguments) {
  using asio::ip::tcp;
  using asio::ip::udp;
  const std::string mode = arguments[1];
  const auto port = static_cast<std::uint16_t>(std::stoi(arguments[2]));
  const auto loopback = asio::ip::address_v4::loopback();
  asio::io_context context;
  std::optional<udp::socket> datagrams;
  tcp::acceptor acceptor(context);
  if (mode == "datagrams") {
    datagrams.emplace(context, udp::endpoint(loopback, port));
  } else {
    acceptor.open(tcp::v4());
    acceptor.bind({loopback, port});
    if (mode == "listening") acceptor.listen(1);
  }
  std::cout << "ready" << std::endl;
  std::cin.get();
}
