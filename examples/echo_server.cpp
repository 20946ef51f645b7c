#include "echo_server.hpp"

#include "test_support.hpp"

#include <asio.hpp>

#include <thread>
#include <utility>

using asio::ip::tcp;

namespace {

/// One connection of the server; lives as long as an operation on it is under way.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, const std::string& token)
      : socket_(std::move(socket)), token_(token) {}

  void readLine() {
    asio::async_read_until(socket_, asio::dynamic_buffer(received_), '\n',
                           [self = shared_from_this()](std::error_code error, std::size_t size) {
                             if (!error) self->answer(size);
                           });
  }

 private:
  void answer(std::size_t size) {
    answer_ = token_ + ' ' + received_.substr(0, size);
    received_.erase(0, size);
    asio::async_write(socket_, asio::buffer(answer_),
                      [self = shared_from_this()](std::error_code error, std::size_t) {
                        if (!error) self->readLine();
                      });
  }

  tcp::socket socket_;
  const std::string& token_;
  std::string received_;
  std::string answer_;
};

}  // namespace

struct EchoServer::Impl {
  explicit Impl(const tcp::endpoint& endpoint) : acceptor(io, endpoint) {
    accept();
    thread = std::thread([this] { io.run(); });
  }
  ~Impl() {
    io.stop();
    thread.join();
  }

  void accept() {
    acceptor.async_accept([this](std::error_code error, tcp::socket socket) {
      if (error) return;
      std::make_shared<Session>(std::move(socket), token)->readLine();
      accept();
    });
  }

  const std::string token = randomToken();
  asio::io_context io;
  tcp::acceptor acceptor;
  std::thread thread;
};

EchoServer::EchoServer(std::uint16_t port, const std::string& host) try
    : impl_(std::make_unique<Impl>(tcp::endpoint(asio::ip::make_address(host), port))) {
} catch (const std::system_error& error) {
  if (error.code() != asio::error::address_in_use) throw;
  throw Collision("echo server: port " + std::to_string(port) + " of " + host + " is taken");
}

EchoServer::~EchoServer() = default;

std::uint16_t EchoServer::port() const { return impl_->acceptor.local_endpoint().port(); }
std::string EchoServer::host() const {
  return impl_->acceptor.local_endpoint().address().to_string();
}
const std::string& EchoServer::token() const { return impl_->token; }

struct EchoClient::Impl {
  explicit Impl(const EchoServer& server) : token(server.token()), port(server.port()) {
    socket.connect({asio::ip::make_address(server.host()), port});
  }

  const std::string token;
  const std::uint16_t port;
  asio::io_context io;
  tcp::socket socket{io};
  std::string received;
};

EchoClient::EchoClient(const EchoServer& server) : impl_(std::make_unique<Impl>(server)) {}
EchoClient::~EchoClient() = default;

std::string EchoClient::echo(const std::string& line) {
  asio::write(impl_->socket, asio::buffer(line + '\n'));
  const auto size = asio::read_until(impl_->socket, asio::dynamic_buffer(impl_->received), '\n');
  const auto answer = impl_->received.substr(0, size - 1);
  impl_->received.erase(0, size);

  const auto expected = impl_->token + ' ';
  if (answer.compare(0, expected.size(), expected) != 0) {
    throw Collision("echo client: port " + std::to_string(impl_->port) + " answers \"" +
                    answer.substr(0, 40) + "\", not with the token " + impl_->token);
  }
  return answer.substr(expected.size());
}
