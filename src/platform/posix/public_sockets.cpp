// The public functions on sockets.

#include "posix.hpp"

#include <portpool/errors.hpp>
#include <portpool/sockets.hpp>

#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <string>
#include <thread>
#include <utility>

namespace portpool {

std::uint16_t bindPort(NativeSocket socket, const std::string& host) {
  using namespace platform;
  if (getOption(socket, SOL_SOCKET, SO_TYPE) == SOCK_STREAM) {
    for (const auto& [option, name] :
         {std::pair{SO_REUSEADDR, "SO_REUSEADDR"}, std::pair{SO_REUSEPORT, "SO_REUSEPORT"}}) {
      if (getOption(socket, SOL_SOCKET, option) != 0) {
        throw PortPoolError(std::string("bindPort: the TCP socket has ") + name +
                            " set, so that another program can bind its port too; do not set it");
      }
    }
  }
  const int domain = getOption(socket, SOL_SOCKET, SO_DOMAIN);
  const auto family = domain == AF_INET ? AddressFamily::IPv4 : AddressFamily::IPv6;
  auto address = addressesOf(host, family).front();
  setPort(address, 0);
  if (::bind(socket, raw(address), static_cast<socklen_t>(address.size)) != 0) {
    if (errno == EADDRNOTAVAIL) throwNotLocal(host, family);
    throwSystemError("bindPort: bind to host \"" + host + '"', errno);
  }
  return portOfSocket(socket);
}

std::uint16_t findUnusedPort(AddressFamily family, SocketType type) {
  using namespace platform;
  const int domain = family == AddressFamily::IPv4 ? AF_INET : AF_INET6;
  const int socketType = type == SocketType::Stream ? SOCK_STREAM : SOCK_DGRAM;
  Socket socket(::socket(domain, socketType | SOCK_CLOEXEC, 0));
  if (!socket && errno == EAFNOSUPPORT) {
    if (family == AddressFamily::Any) return findUnusedPort(AddressFamily::IPv4, type);
    throwNotLocal("", family);
  }
  if (!socket) throwSystemError("socket", errno);
  setDualStack(socket, domain, family == AddressFamily::Any);
  if (family == AddressFamily::Any) return bindPort(socket.get(), "");
  return bindPort(socket.get(), family == AddressFamily::IPv4 ? kHost : kHostV6);
}

ListeningSocket& ListeningSocket::operator=(ListeningSocket&& other) noexcept {
  const NativeSocket socket = other.release();  // first, should it be this object's own
  close();
  socket_ = socket;
  return *this;
}

std::uint16_t ListeningSocket::port() const {
  if (socket_ < 0) {
    throw PortPoolError(
        "a ListeningSocket that is closed or released has no port; ask for it before");
  }
  return platform::portOfSocket(socket_);
}

void ListeningSocket::close() noexcept {
  const NativeSocket socket = release();
  if (socket >= 0) ::close(socket);
}

namespace {

/// Whether a connection to the address succeeds before `deadline`.
bool canConnect(platform::SocketAddress& address, std::chrono::steady_clock::time_point deadline) {
  using namespace platform;
  const Socket socket(::socket(familyOf(address), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) {
    if (errno == EAFNOSUPPORT) return false;
    throwSystemError("socket", errno);
  }
  if (::connect(socket.get(), raw(address), static_cast<socklen_t>(address.size)) != 0) {
    if (errno != EINPROGRESS) return false;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd writable{socket.get(), POLLOUT, 0};
    if (::poll(&writable, 1, std::max(0, static_cast<int>(left.count()))) != 1) return false;
    if (getOption(socket.get(), SOL_SOCKET, SO_ERROR) != 0) return false;
  }
  // A connection to an ephemeral port can meet itself.
  return portOfSocket(socket.get()) != portOf(address);
}

/// Whether the process has exited, reaped or not.
bool isDead(pid_t pid) {
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0) {
    return info.si_pid == pid;
  }
  return ::kill(pid, 0) != 0 && errno == ESRCH;  // nobody's child, or another's
}

}  // namespace

void waitUntilListening(std::uint16_t port, const std::string& host,
                        std::chrono::milliseconds timeout, int childPid) {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::milliseconds kLongestPause{20};
  constexpr std::chrono::milliseconds kLongestWait = std::chrono::hours(24);  // that poll can take
  const auto start = Clock::now();
  const auto deadline =
      start + std::clamp(timeout, std::chrono::milliseconds::zero(), kLongestWait);
  auto addresses = platform::addressesOf(host.empty() ? "localhost" : host, AddressFamily::Any);
  for (auto& address : addresses) platform::setPort(address, port);
  std::chrono::milliseconds pause{1};
  for (;;) {
    // Before the connection is tried: a server that is dead now does not answer any more.
    const bool died = childPid > 0 && isDead(childPid);
    for (auto& address : addresses) {
      if (canConnect(address, deadline)) return;
    }
    const auto now = Clock::now();
    if (died || now >= deadline) {
      const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(now - start);
      throw NotListeningError(
          "nothing listens on port " + std::to_string(port) + " of host \"" + host + "\" after " +
          std::to_string(elapsed.count()) + " ms" +
          (died ? ": the server, pid " + std::to_string(childPid) + ", has exited; see its output"
                : "; see whether the server started, on this port and host, or wait longer"));
    }
    std::this_thread::sleep_for(std::min<Clock::duration>(pause, deadline - now));
    pause = std::min(pause * 2, kLongestPause);
  }
}

}  // namespace portpool
