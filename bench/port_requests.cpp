// Asks a port server for ports, one request to a connection, as portpicker does, and prints the
// seconds that it took: `port_requests ADDRESS CLIENTS REQUESTS`, the requests of so many threads
// together. Fails if a request has no port for an answer.

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

namespace {

class Client {
 public:
  explicit Client(std::string address)
      : request_(std::to_string(::getpid()) + '\n'),
        size_(static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size())) {
    address.at(0) = '\0';  // an abstract one
    name_.sun_family = AF_UNIX;
    address.copy(name_.sun_path, sizeof name_.sun_path);
  }

  /// Whether the server gives a port.
  bool ask() const {
    std::array<char, 1024> answer{};
    const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool isAnswered =
        ::connect(socket, reinterpret_cast<const sockaddr*>(&name_), size_) == 0 &&
        ::send(socket, request_.data(), request_.size(), MSG_NOSIGNAL) > 0 &&
        ::recv(socket, answer.data(), answer.size() - 1, 0) > 0;
    ::close(socket);
    return isAnswered && std::strtol(answer.data(), nullptr, 10) > 0;
  }

 private:
  std::string request_;
  sockaddr_un name_{};
  socklen_t size_;
};

}  // namespace

int main(int count, char** arguments) {
  if (count != 4) return 2;
  const Client client(arguments[1]);
  std::atomic<int> left{std::stoi(arguments[3])};
  std::atomic<bool> hasFailed{false};
  std::vector<std::thread> threads;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < std::stoi(arguments[2]); ++i) {
    threads.emplace_back([&] {
      while (left-- > 0) {
        if (!client.ask()) hasFailed = true;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
  std::cout << time.count() << '\n';
  return hasFailed ? 1 : 0;
}
