#include "platform/unix_server.hpp"

#include "platform/fork.hpp"
#include "platform/private_socket.hpp"
#include "platform/system_error.hpp"
#include "sockets.hpp"

#include <sys/time.h>

#include <array>
#include <cerrno>
#include <utility>

namespace portpool::platform {
namespace {

PrivateSocket openStreamSocket(std::chrono::seconds timeout) {
  const NoFork noFork;
  auto socket = newSocket(AF_UNIX, SOCK_STREAM);
  if (!socket) throwSystemError("socket for the port server", errno);
  timeval time{};
  time.tv_sec = static_cast<decltype(time.tv_sec)>(timeout.count());
  for (const int option : {SO_SNDTIMEO, SO_RCVTIMEO}) {  // the first is for connect, too
    ::setsockopt(socket.get(), SOL_SOCKET, option, &time, sizeof time);
  }
  return PrivateSocket(std::move(socket));
}

using Clock = std::chrono::steady_clock;

/// Makes the system call until no signal interrupts it; returns 0 or its error. A call that is made
/// again has all of its time again.
template <class SystemCall>
int errorOf(const SystemCall& call, Clock::time_point deadline) {
  for (;;) {
    if (call() >= 0) return 0;
    if (errno == EAGAIN || (errno == EINTR && Clock::now() >= deadline)) return ETIMEDOUT;
    if (errno != EINTR) return errno;
  }
}

}  // namespace

int askUnixServer(const std::string& address, const std::string& request,
                  std::chrono::seconds timeout, std::size_t longest, std::string& answer) {
  constexpr std::size_t kPiece = 100;
  const auto deadline = Clock::now() + timeout;
  sockaddr_un name{};
  const auto size = nameUnixSocket(address, name);
  if (size == 0) return ENAMETOOLONG;

  answer.clear();
  const auto socket = openStreamSocket(timeout);
  int error = errorOf(
      [&] { return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&name), size); },
      deadline);
  if (error != 0) return error;
  // A server that refuses may close its end before it reads.
  const auto isClosed = [&] { return error == EPIPE || error == ECONNRESET; };
  error = errorOf(
      [&] { return ::send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL); }, deadline);
  while (error == 0 && answer.size() < longest) {
    std::array<char, kPiece> piece{};
    ssize_t count = 0;
    error = errorOf([&] { return count = ::recv(socket.get(), piece.data(), piece.size(), 0); },
                    deadline);
    if (error != 0 || count == 0) break;
    answer.append(piece.data(), static_cast<std::size_t>(count));
    if (const auto end = answer.find('\n'); end != std::string::npos) {
      answer.resize(end);
      break;
    }
    if (Clock::now() >= deadline) error = ETIMEDOUT;
  }
  return isClosed() ? 0 : error;
}

}  // namespace portpool::platform
