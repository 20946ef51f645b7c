#include "port_server_process.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <stdexcept>
#include <utility>
#include <vector>

namespace portpool::test {

PortServerProcess::PortServerProcess(const std::string& program, const Arguments& arguments) {
  std::array<int, 2> output{};
  if (::pipe2(output.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  auto words = arguments;
  words.insert(words.begin(), program);
  std::vector<char*> raw;
  for (auto& word : words) raw.push_back(word.data());
  raw.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ == 0) {
    ::dup2(output[1], STDOUT_FILENO);
    ::dup2(output[1], STDERR_FILENO);
    ::execv(raw[0], raw.data());
    ::_exit(127);
  }
  ::close(output[1]);
  output_ = output[0];
  while (said_.find("erving ") == std::string::npos || said_.back() != '\n') {
    if (!readMore()) {
      ::waitpid(pid_, nullptr, 0);
      ::close(output_);
      throw std::runtime_error(program + " does not serve: " + said_);
    }
  }
}

PortServerProcess::~PortServerProcess() {
  if (pid_ != 0) end(SIGTERM);
}

int PortServerProcess::end(int signal) {
  ::kill(pid_, signal);
  while (readMore()) {
  }
  ::close(output_);
  int status = 0;
  ::waitpid(std::exchange(pid_, 0), &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool PortServerProcess::readMore() {
  std::array<char, 4096> piece{};
  const auto count = ::read(output_, piece.data(), piece.size());
  if (count > 0) said_.append(piece.data(), static_cast<std::size_t>(count));
  return count > 0 || (count < 0 && errno == EINTR);
}

std::string newAddress() {
  static std::atomic<int> number{0};
  return "@portpool-test-" + std::to_string(::getpid()) + '-' + std::to_string(number++);
}

std::unique_ptr<PortServerProcess> serveAt(const std::string& address, Arguments options) {
  options.insert(options.begin(), {"serve", "--address", address});
  return std::make_unique<PortServerProcess>(PORTPOOL_COMMAND, options);
}

std::string ask(const std::string& address, const std::string& request) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  address.copy(name.sun_path, sizeof name.sun_path - 1);
  const bool isAbstract = address.front() == '@';
  if (isAbstract) name.sun_path[0] = '\0';
  const auto size = offsetof(sockaddr_un, sun_path) + address.size() + (isAbstract ? 0 : 1);
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::string answer;
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&name), static_cast<socklen_t>(size)) !=
      0) {
    answer = "nobody listens";
  }
  ::send(socket, request.data(), request.size(), MSG_NOSIGNAL);
  std::array<char, 100> piece{};
  for (;;) {
    const auto count = ::recv(socket, piece.data(), piece.size(), 0);
    if (count <= 0) break;
    answer.append(piece.data(), static_cast<std::size_t>(count));
  }
  ::close(socket);
  return answer;
}

std::uint16_t draw(const std::string& address, pid_t pid) {
  const auto ports = portsIn(ask(address, std::to_string(pid) + '\n'));
  return ports.empty() ? std::uint16_t{0} : ports.front();
}

Idler::Idler() : pid_(::fork()) {
  if (pid_ != 0) return;
  for (;;) ::pause();
}

Idler::~Idler() {
  kill();
  ::waitpid(pid_, nullptr, 0);
}

void Idler::kill() const { ::kill(pid_, SIGKILL); }

}  // namespace portpool::test
