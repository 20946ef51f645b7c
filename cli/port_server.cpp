#include "port_server.hpp"

#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <iterator>
#include <optional>
#include <system_error>
#include <utility>

namespace portpool::cli {
namespace {

// What an event is of: a mark, and the number of a process or connection.
constexpr std::uint64_t kListener = 0, kSignal = 1;
constexpr std::uint64_t kProcess = std::uint64_t{1} << 62, kConnection = std::uint64_t{1} << 63;
constexpr std::uint64_t kNumber = kProcess - 1;

PortPoolOptions withoutWaiting() {
  PortPoolOptions options;
  options.waitTime = std::chrono::milliseconds::zero();
  return options;
}

Descriptor opened(int descriptor, const char* call) {
  if (descriptor < 0) throw std::system_error(errno, std::generic_category(), call);
  return Descriptor(descriptor);
}

Descriptor endingSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  return opened(::signalfd(-1, &signals, SFD_CLOEXEC), "signalfd");
}

/// Allows as many descriptors as the system lets this process have, and returns how many.
std::size_t raiseDescriptorLimit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<std::size_t>(limit.rlim_cur);
}

struct Request {
  pid_t pid = 0;
  std::size_t ports = 1;
};

/// The text after a number that it begins with; nothing if it begins with none.
template <class Number>
std::optional<std::string_view> readNumber(std::string_view text, Number& number) {
  const auto* const end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, number);
  if (result.ec != std::errc()) return std::nullopt;
  return text.substr(static_cast<std::size_t>(result.ptr - text.data()));
}

std::optional<Request> parse(std::string_view text) {
  Request request;
  auto rest = readNumber(text, request.pid);
  if (rest && !rest->empty() && rest->front() == ' ') {
    rest = readNumber(rest->substr(1), request.ports);
  }
  if (!rest || !rest->empty() || request.pid < 0 || request.ports == 0) return std::nullopt;
  return request;
}

}  // namespace

PortServer::PortServer(Descriptor listener, const PortSet& ports, bool servesAnyUser)
    : user_(::geteuid()),
      servesAnyUser_(servesAnyUser),
      mostDescriptors_(raiseDescriptorLimit() * 3 / 4),
      pool_(ports, withoutWaiting()),
      listener_(std::move(listener)),
      signals_(endingSignals()),
      epoll_(opened(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      processes_(epoll_.get(), kProcess) {
  watch(listener_.get(), kListener);
  watch(signals_.get(), kSignal);
}

void PortServer::watch(int descriptor, std::uint64_t event) const {
  epoll_event watched{};
  watched.events = EPOLLIN;
  watched.data.u64 = event;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &watched) != 0) {
    throw std::system_error(errno, std::generic_category(), "epoll_ctl");
  }
}

void PortServer::run() {
  constexpr int kAtOnce = 64;
  std::array<epoll_event, kAtOnce> events{};
  for (;;) {
    const int count = ::epoll_wait(epoll_.get(), events.data(), kAtOnce, timeToWait());
    for (int i = 0; i < count; ++i) {
      const auto event = events.at(static_cast<std::size_t>(i)).data.u64;
      if (event == kSignal) return;
      handle(event);
    }
    const auto now = sinceSystemStart();
    while (!connections_.empty() && connections_.begin()->second.begin + kLongestSilence <= now) {
      connections_.erase(connections_.begin());
    }
  }
}

int PortServer::timeToWait() const {
  if (connections_.empty()) return -1;
  const auto end = connections_.begin()->second.begin + kLongestSilence;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - sinceSystemStart());
  return static_cast<int>(std::max<std::chrono::milliseconds::rep>(left.count(), 0));
}

void PortServer::handle(std::uint64_t event) {
  if (event == kListener) {
    accept();
  } else if ((event & kProcess) != 0) {
    if (processes_.removeIfEnded(static_cast<pid_t>(event & kNumber))) nextSearch_ = Time::zero();
  } else if (const auto found = connections_.find(event & kNumber); found != connections_.end()) {
    if (proceed(found->second)) connections_.erase(found);
  }
}

void PortServer::accept() {
  constexpr int kAtOnce = 16;
  for (int i = 0; i < kAtOnce; ++i) {
    Descriptor socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket) {
      if (errno == EMFILE || errno == ENFILE) ::usleep(10000);  // until others let go of some
      return;
    }
    Connection connection{std::move(socket), {}, sinceSystemStart()};
    socklen_t size = sizeof connection.peer;
    ::getsockopt(connection.socket.get(), SOL_SOCKET, SO_PEERCRED, &connection.peer, &size);
    if (connection.peer.uid != user_ && !servesAnyUser_) {
      refuse(Refusal::User, "process " + std::to_string(connection.peer.pid) + " of user " +
                                std::to_string(connection.peer.uid) +
                                " is refused; serve other users by --any-user");
      continue;
    }
    if (proceed(connection)) continue;
    if (connections_.size() >= kMostConnections) connections_.erase(connections_.begin());
    const auto number = nextConnection_++;
    watch(connection.socket.get(), kConnection | number);
    connections_.emplace(number, std::move(connection));
  }
}

bool PortServer::proceed(Connection& connection) {
  auto& [socket, peer, begin, text, size] = connection;
  const auto count = ::recv(socket.get(), text.data() + size, text.size() - size, 0);
  if (count < 0) return errno != EAGAIN && errno != EINTR;
  size += static_cast<std::size_t>(count);
  const std::string_view received(text.data(), size);
  const auto end = received.find('\n');
  const bool isWhole = end != std::string_view::npos || count == 0;
  if (!isWhole && size < text.size()) return false;
  answer(connection, received.substr(0, end));
  return true;
}

void PortServer::answer(const Connection& connection, std::string_view text) {
  const auto& peer = connection.peer;
  const auto request = parse(text);
  if (!request) {
    if (text.empty()) return;  // who only looks whether the server is there
    refuse(Refusal::Request, "a request of process " + std::to_string(peer.pid) +
                                 " is not understood; send a pid and a line end");
    return;
  }
  if (request->pid == 0) {
    send(connection, "portpool\n");
    return;
  }
  // A process whose parent has ended takes this for its parent.
  constexpr pid_t kInit = 1;
  auto* process = request->pid == kInit && peer.pid != kInit
                      ? nullptr
                      : processes_.find(request->pid, peer.uid, connection.begin);
  if (process == nullptr) {
    refuse(Refusal::Process, "process " + std::to_string(peer.pid) +
                                 " asks for a port for process " + std::to_string(request->pid) +
                                 ", which has ended or is not of user " + std::to_string(peer.uid));
    return;
  }
  auto owners = take(request->ports);
  if (owners.empty() || !send(connection, std::to_string(owners.front().port()) + '\n')) return;
  std::move(owners.begin(), owners.end(), std::back_inserter(process->ports));
}

bool PortServer::send(const Connection& connection, const std::string& text) const {
  return ::send(connection.socket.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(text.size());
}

std::vector<TCPPortOwner> PortServer::take(std::size_t count) {
  constexpr int kPauseInTimesOfASearch = 10;
  const auto statistics = pool_.statistics();
  const auto allocated = statistics.allocated;
  if (statistics.size - allocated < count) {
    refuse(Refusal::NoPort, std::to_string(allocated) + " of " + std::to_string(statistics.size) +
                                " ports are leased, and " + std::to_string(count) +
                                " asked for; serve more ports (--ports)");
    return {};
  }
  if (allocated + processes_.size() + count > mostDescriptors_) {
    refuse(Refusal::NoPort, std::to_string(allocated) + " ports are leased for " +
                                std::to_string(processes_.size()) +
                                " processes, each of which takes a file descriptor; raise the "
                                "limit (ulimit -Hn)");
    return {};
  }
  const auto begin = sinceSystemStart();
  if (begin < nextSearch_ && count >= missed_) return {};
  try {
    PortRequest request;
    request.transport = Transport::Both;  // as portpicker promises
    return pool_.allocateBlock(count, request);
  } catch (const PortPoolError& error) {
    refuse(Refusal::NoPort, error.what());
    // What a search in vain costs is time in which nobody else is served.
    const auto end = sinceSystemStart();
    nextSearch_ = end + (end - begin) * kPauseInTimesOfASearch;
    missed_ = count;
    return {};
  }
}

void PortServer::refuse(Refusal reason, const std::string& message) {
  auto& next = nextMessages_.at(static_cast<std::size_t>(reason));
  const auto now = sinceSystemStart();
  if (now < next) return;
  next = now + std::chrono::minutes(1);
  std::fprintf(stderr, "portpool serve: %s\n", message.c_str());
}

}  // namespace portpool::cli
