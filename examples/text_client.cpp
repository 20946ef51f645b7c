#include "text_client.hpp"

#include <asio.hpp>

#include <portpool/sockets.hpp>

#include <system_error>
#include <utility>

using asio::ip::tcp;

struct TextClient::Impl {
  explicit Impl(std::uint16_t port) {
    socket.connect({asio::ip::make_address(portpool::kHost), port});
    socket.set_option(tcp::no_delay(true));  // or a second line waits for the first one's receipt
  }

  asio::io_context io;
  tcp::socket socket{io};
  std::string received;
};

TextClient::TextClient(std::uint16_t port) : impl_(std::make_unique<Impl>(port)) {}
TextClient::~TextClient() = default;

void TextClient::sendLine(const std::string& line) {
  asio::write(impl_->socket, asio::buffer(line + "\r\n"));
}

std::string TextClient::readLine() {
  const std::string end = "\r\n";
  const auto size = asio::read_until(impl_->socket, asio::dynamic_buffer(impl_->received), end);
  auto line = impl_->received.substr(0, size - end.size());
  impl_->received.erase(0, size);
  return line;
}

std::string TextClient::readToTheEnd() {
  std::error_code end;
  asio::read(impl_->socket, asio::dynamic_buffer(impl_->received), end);
  if (end != asio::error::eof) throw std::system_error(end);
  return std::exchange(impl_->received, {});
}

std::string httpGet(std::uint16_t port, const std::string& path) {
  TextClient client(port);
  client.sendLine("GET " + path + " HTTP/1.0");
  client.sendLine("");
  return client.readToTheEnd();
}
