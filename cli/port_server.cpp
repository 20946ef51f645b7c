#include "port_server.hpp"

#include "process_state.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <iterator>
#include <optional>
#include <system_error>
#include <utility>

namespace portpool::cli {
namespace {

PortPoolOptions withoutWaiting() {
  PortPoolOptions options;
  options.waitTime = std::chrono::milliseconds::zero();
  return options;
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

constexpr std::size_t kMostAtOnce = 1000;  // so that the answer fits in the socket's memory

struct Request {
  pid_t pid = 0;
  std::size_t ports = 1;
  bool areAny = false;  // or consecutive ones
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
    request.areAny = rest == " any";
    if (request.areAny) rest = "";
  }
  if (!rest || !rest->empty() || request.pid < 0 || request.ports == 0 ||
      (request.areAny && request.ports > kMostAtOnce)) {
    return std::nullopt;
  }
  return request;
}

/// The process that the peer means by that pid, if it is one that it may name.
std::optional<pid_t> pidFrom(pid_t peer, pid_t pid) {
  constexpr pid_t kInit = 1;
  if (pid == peer) return pid;
  if (pid == kInit) return std::nullopt;  // a process whose parent has ended takes this for it
  if (const auto inner = pidInNamespace(peer)) {
    return pid == *inner ? std::optional(peer) : std::nullopt;
  }
  return pid;
}

}  // namespace

PortServer::PortServer(const PortSet& ports, bool servesAnyUser)
    : user_(::geteuid()),
      servesAnyUser_(servesAnyUser),
      mostDescriptors_(raiseDescriptorLimit() * 3 / 4),
      pool_(ports, withoutWaiting()) {}

bool PortServer::serves(const ucred& peer) {
  if (peer.pid == 0) {
    refuse(Refusal::Namespace,
           "a process of another pid namespace is refused, because it and those that it names are "
           "not known here; run client and server in the same container");
    return false;
  }
  if (peer.uid == user_ || servesAnyUser_) return true;
  refuse(Refusal::User, "process " + std::to_string(peer.pid) + " of user " +
                            std::to_string(peer.uid) +
                            " is refused; serve other users with --any-user");
  return false;
}

void PortServer::giveUp(const std::exception& error) noexcept {
  refuse(Refusal::Fault,
         "a request is given up; allow the server more memory (ulimit -v, or what its container "
         "may have), if that is what it lacks: ",
         error.what());
}

std::string PortServer::answer(std::string_view text, const ucred& peer, Time accepted) {
  const auto request = parse(text);
  if (!request) {
    // One who sends nothing may only look whether somebody serves.
    if (!text.empty()) {
      refuse(Refusal::Request, "a request from process " + std::to_string(peer.pid) +
                                   " is not understood; send a pid and a line end");
    }
    return {};
  }
  if (request->pid == 0) return "portpool\n";
  const auto pid = pidFrom(peer.pid, request->pid);
  const auto process = pid ? processes_.find(*pid, peer.uid, accepted) : nullptr;
  if (!process) {
    refuse(Refusal::Process, "process " + std::to_string(peer.pid) +
                                 " asks for a port for process " + std::to_string(request->pid) +
                                 ", which has ended or does not belong to user " +
                                 std::to_string(peer.uid) + " and of its pid namespace");
    return {};
  }
  auto owners = take(request->ports, request->areAny);
  if (owners.empty()) return {};
  auto line = std::to_string(owners.front().port());
  for (std::size_t i = 1; request->areAny && i < owners.size(); ++i) {
    line += ' ' + std::to_string(owners[i].port());
  }
  line += '\n';
  const std::lock_guard<std::mutex> lock(process->mutex);
  process->ports.insert(process->ports.end(), std::make_move_iterator(owners.begin()),
                        std::make_move_iterator(owners.end()));  // all or, without memory, none
  return line;
}

void PortServer::removeEnded() {
  processes_.removeEnded();
  const std::lock_guard<std::mutex> lock(mutex_);
  nextSearch_ = Time::zero();
}

std::vector<TCPPortOwner> PortServer::take(std::size_t count, bool areAny) {
  constexpr int kPauseInTimesOfASearch = 10;
  const auto statistics = pool_.statistics();
  const auto allocated = statistics.allocated;
  if (statistics.size - allocated < count) {
    refuse(Refusal::NoPort, std::to_string(allocated) + " of " + std::to_string(statistics.size) +
                                " ports are leased, and " + std::to_string(count) +
                                " requested; serve more ports (--ports)");
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
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (begin < nextSearch_ && count >= missed_) return {};
  }
  try {
    return areAny ? pool_.allocateSeveral(count) : pool_.allocateBlock(count);
  } catch (const PortPoolError& error) {
    refuse(Refusal::NoPort, error.what());
    // What a search in vain costs is time in which nobody else is served.
    const auto end = sinceSystemStart();
    const std::lock_guard<std::mutex> lock(mutex_);
    nextSearch_ = end + (end - begin) * kPauseInTimesOfASearch;
    missed_ = count;
    return {};
  }
}

void PortServer::refuse(Refusal reason, const char* message, const char* detail) noexcept {
  const auto now = sinceSystemStart();
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    auto& next = nextMessages_.at(static_cast<std::size_t>(reason));
    if (now < next) return;
    next = now + std::chrono::minutes(1);
  }
  std::fprintf(stderr, "portpool serve: %s%s\n", message, detail);
}

}  // namespace portpool::cli
