#include "support/token_server.hpp"

#include <array>
#include <asio.hpp>
#include <chrono>
#include <random>
#include <string>

using asio::ip::tcp;

struct TokenServer::Impl {
  explicit Impl(std::uint16_t port)
      : acceptor(context, tcp::endpoint(tcp::v4(), port), /*reuse_addr=*/false),
        token(std::to_string(random()) + ' ' + std::to_string(random())) {}

  std::random_device random;
  asio::io_context context;
  tcp::acceptor acceptor;
  std::string token;
};

TokenServer::TokenServer(std::uint16_t port) : impl_(std::make_unique<Impl>(port)) {}
TokenServer::~TokenServer() = default;

bool TokenServer::isReached() const {
  tcp::socket client(impl_->context);
  client.connect({asio::ip::address_v4::loopback(), impl_->acceptor.local_endpoint().port()});
  constexpr std::chrono::seconds kLongEnough{20};  // a client that went elsewhere never comes
  tcp::socket session(impl_->context);
  bool isAccepted = false;
  impl_->acceptor.async_accept(session, [&](asio::error_code error) { isAccepted = !error; });
  impl_->context.restart();
  impl_->context.run_for(kLongEnough);
  if (!isAccepted) {
    impl_->acceptor.cancel();
    impl_->context.run();
    return false;
  }
  asio::write(session, asio::buffer(impl_->token));
  std::string answer(impl_->token.size(), '\0');
  asio::read(client, asio::buffer(answer));
  // Who closes first stays in TIME_WAIT: the client, whose port is an ephemeral one.
  client.close();
  std::array<char, 1> nothing{};
  asio::error_code endOfStream;
  asio::read(session, asio::buffer(nothing), endOfStream);
  return answer == impl_->token;
}
