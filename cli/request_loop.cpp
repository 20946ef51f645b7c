#include "request_loop.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace portpool::cli {
namespace {

// What an event is of; other numbers are those of connections.
constexpr std::uint64_t kAccept = 0, kEnd = 1, kEndedProcess = 2;

}  // namespace

RequestLoop::RequestLoop(int listener, int end, PortServer& server)
    : listener_(listener), server_(server), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_) throw noDescriptor("epoll_create1");
  watch(listener, kAccept, EPOLLEXCLUSIVE);  // that wakes one thread, not all
  watch(server.endedProcesses(), kEndedProcess);
  watch(end, kEnd);
}

void RequestLoop::watch(int descriptor, std::uint64_t event, unsigned flags) const {
  epoll_event watched{};
  watched.events = EPOLLIN | flags;
  watched.data.u64 = event;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &watched) != 0) {
    throw std::system_error(errno, std::generic_category(), "epoll_ctl");
  }
}

void RequestLoop::run() {
  constexpr int kAtOnce = 64;
  std::array<epoll_event, kAtOnce> events{};
  for (;;) {
    const int count = ::epoll_wait(epoll_.get(), events.data(), kAtOnce, timeToWait());
    for (int i = 0; i < count; ++i) {
      const auto event = events.at(static_cast<std::size_t>(i)).data.u64;
      if (event == kEnd) return;
      try {
        handle(event);
      } catch (const std::exception& error) {
        server_.giveUp(error);
        connections_.erase(event);
      }
    }
    const auto latest = sinceSystemStart() - kLongestSilence;
    while (!connections_.empty() && connections_.begin()->second.accepted <= latest) {
      connections_.erase(connections_.begin());
    }
  }
}

void RequestLoop::handle(std::uint64_t event) {
  if (event == kAccept) {
    accept();
  } else if (event == kEndedProcess) {
    server_.removeEnded();
  } else if (const auto found = connections_.find(event); found != connections_.end()) {
    if (proceed(found->second)) connections_.erase(found);
  }
}

int RequestLoop::timeToWait() const {
  if (connections_.empty()) return -1;
  const auto end = connections_.begin()->second.accepted + kLongestSilence;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - sinceSystemStart());
  return static_cast<int>(std::max<std::chrono::milliseconds::rep>(left.count(), 0));
}

void RequestLoop::accept() {
  constexpr int kAtOnce = 16;
  for (int i = 0; i < kAtOnce; ++i) {
    Descriptor socket(::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket) {
      if (errno != EMFILE && errno != ENFILE) return;
      if (connections_.empty()) {
        ::usleep(10000);  // until others let go of some
        return;
      }
      connections_.erase(connections_.begin());  // for one that may have something to ask
      continue;
    }
    Connection connection{std::move(socket), {}, sinceSystemStart()};
    socklen_t size = sizeof connection.peer;
    ::getsockopt(connection.socket.get(), SOL_SOCKET, SO_PEERCRED, &connection.peer, &size);
    if (!server_.serves(connection.peer) || proceed(connection)) continue;
    if (connections_.size() >= kMostConnections) connections_.erase(connections_.begin());
    const auto number = nextConnection_++;
    watch(connection.socket.get(), number);
    connections_.emplace(number, std::move(connection));
  }
}

bool RequestLoop::proceed(Connection& connection) {
  auto& [socket, peer, accepted, text, size] = connection;
  const auto count = ::recv(socket.get(), text.data() + size, text.size() - size, 0);
  if (count < 0) return errno != EAGAIN && errno != EINTR;
  size += static_cast<std::size_t>(count);
  const std::string_view received(text.data(), size);
  const auto end = received.find('\n');
  const bool isWhole = end != std::string_view::npos || count == 0;
  if (!isWhole && size < text.size()) return false;
  const auto answer = server_.answer(received.substr(0, end), peer, accepted);
  // Whoever has gone meanwhile has no use for it.
  static_cast<void>(::send(socket.get(), answer.data(), answer.size(), MSG_NOSIGNAL));
  return true;
}

}  // namespace portpool::cli
