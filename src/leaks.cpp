#include "leaks.hpp"

#include "descriptions.hpp"
#include "environment.hpp"
#include "platform/port_users.hpp"
#include "probe.hpp"
#include "text.hpp"

#include <portpool/port_users.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>
#include <thread>

namespace portpool {
namespace {

using Clock = std::chrono::steady_clock;
using platform::PortSocket;

enum class RemainingUse {
  None,
  Connection,  ///< nothing listens, but a process has a connection there
  Server,      ///< something listens there, or keeps servers off otherwise
  Unknown,     ///< the system does not tell
};

class LeakSearch {
 public:
  explicit LeakSearch(const std::vector<detail::Allocation*>& allocations) {
    for (auto* allocation : allocations) {
      if (!allocation->isOfThisProcess()) continue;
      allocation->endHold();
      suspects_.push_back({allocation, RemainingUse::Server});
    }
  }

  /// Waits for processes that are about to release their ports.
  void run() {
    constexpr auto kLongestPause = std::chrono::milliseconds(20);
    const auto start = Clock::now();
    auto deadline = start + std::chrono::milliseconds(20);
    for (Clock::duration pause = std::chrono::microseconds(200); isAnyInUse();) {
      if (Clock::now() >= deadline) {
        deadline = start + patience();
        if (Clock::now() >= deadline) return;
      }
      std::this_thread::sleep_for(pause);
      pause = std::min<Clock::duration>(pause * 2, kLongestPause);
    }
  }

  Leaks describe(const std::string& phase) const {
    using Use = PortUser::Use;
    Leaks leaks;
    for (const auto& [allocation, use] : suspects_) {
      const auto port = allocation->port();
      const auto title = portTitle(port, allocation->request().name);
      if (use == RemainingUse::Unknown) {
        leaks.unknown.push_back(
            phase + " ends; it is not known whether its " + title +
            " is still in use, because the system does not show its sockets; show them to the test "
            "(on Linux NETLINK_SOCK_DIAG, or /proc/net/tcp), or set PORTPOOL_LEAKS=ignore");
        continue;
      }
      const bool listens = use == RemainingUse::Server;
      const auto uses =
          listens ? std::vector{Use::Listens, Use::Binds} : std::vector{Use::HasConnection};
      const auto users =
          users_ ? processesOn(port, *users_, uses) : "a program that the system does not show";
      const auto user = users.empty() ? "a socket of a process that is not shown" : users;
      leaks.found.push_back(
          {port, phase + " ends, but " +
                     (listens ? "its " + title + " is still in use by " + user +
                                    "; stop the server within its test"
                              : "a connection on its " + title + " is still open in " + user +
                                    ", though nothing listens there any more; close it within the "
                                    "test") +
                     ", or set PORTPOOL_LEAKS=ignore"});
    }
    return leaks;
  }

 private:
  struct Suspect {
    detail::Allocation* allocation;
    RemainingUse use;

    bool isInUse() const { return use == RemainingUse::Server || use == RemainingUse::Connection; }
  };

  /// How long the processes that use the ports may take to release them. A killed server has closed
  /// its sockets within some milliseconds, on a busy machine some more.
  Clock::duration patience() {
    constexpr auto kDying = std::chrono::milliseconds(500);
    constexpr auto kUnseen = std::chrono::milliseconds(3000);
    constexpr auto kExiting = std::chrono::milliseconds(60000);  // it frees much memory first
    PortSet others;
    for (const auto& suspect : suspects_) {
      if (suspect.isInUse()) others.insert(suspect.allocation->port());
    }
    users_ = usersOfPorts(others, UserSearch::Sockets);
    if (!users_) return kUnseen;
    bool isAlive = false, isExiting = false;
    for (const auto& user : *users_) {
      if (user.use == PortUser::Use::Lingers) continue;
      // A port that this process itself uses is not about to be released.
      if (user.isThisProcess) others -= PortSet{{user.port, user.port}};
      isAlive = isAlive || !user.isExiting;
      isExiting = isExiting || (user.isExiting && user.pid != 0);
    }
    if (others.empty()) return Clock::duration::zero();
    return isAlive ? kDying : isExiting ? kExiting : kUnseen;
  }

  /// Looks at all suspects, drops each that is not in use, and returns whether one is in use.
  bool isAnyInUse() {
    PortSet unknown;
    for (auto& suspect : suspects_) {
      suspect.use = probe(*suspect.allocation);
      if (suspect.use == RemainingUse::Unknown) unknown.insert(suspect.allocation->port());
    }
    if (!unknown.empty()) lookUpSockets(unknown);
    suspects_.erase(
        std::remove_if(suspects_.begin(), suspects_.end(),
                       [](const Suspect& suspect) { return suspect.use == RemainingUse::None; }),
        suspects_.end());
    return std::any_of(suspects_.begin(), suspects_.end(), std::mem_fn(&Suspect::isInUse));
  }

  /// The answer of bind. A server's own SO_REUSEADDR decides whether another can bind beside the
  /// connections that it left: Unknown if only the system's tables can tell.
  static RemainingUse probe(const detail::Allocation& allocation) {
    auto request = allocation.request();
    const auto asked = request.transport;
    for (const auto transport : {Transport::UDP, Transport::TCP}) {
      if (asked != Transport::Both && asked != transport) continue;
      request.transport = transport;
      // A port that this user may not bind (any more) tells nothing.
      if (Probe(request).isFree(allocation.port()) != Probe::Result::Busy) continue;
      return transport == Transport::UDP ? RemainingUse::Server : RemainingUse::Unknown;
    }
    return RemainingUse::None;
  }

  /// Asks the system once about all of these ports.
  void lookUpSockets(const PortSet& ports) {
    const auto sockets = platform::socketsOn(ports, Transport::TCP);
    if (!sockets) return;
    for (auto& suspect : suspects_) {
      if (suspect.use != RemainingUse::Unknown) continue;
      auto request = suspect.allocation->request();
      request.transport = Transport::TCP;
      const Probe probe(request);
      std::optional<RemainingUse> use;
      for (const auto& socket : *sockets) {
        if (socket.port != suspect.allocation->port() || !probe.concerns(socket.address)) continue;
        use = std::max(use.value_or(RemainingUse::None), useOf(socket.state));
      }
      // A socket that the system does not show keeps servers off all the same.
      suspect.use = use.value_or(RemainingUse::Server);
    }
  }

  static RemainingUse useOf(PortSocket::State state) {
    if (state == PortSocket::State::Lingering) return RemainingUse::None;
    return state == PortSocket::State::Connected ? RemainingUse::Connection : RemainingUse::Server;
  }

  std::vector<Suspect> suspects_;
  std::optional<std::vector<PortUser>> users_;  // of the ports that are in use
};

}  // namespace

LeakPolicy leakPolicy() {
  static const auto policy = [] {
    const auto choice = environmentChoice("PORTPOOL_LEAKS", {"warn", "fail", "ignore"});
    if (choice == "fail") return LeakPolicy::Fail;
    return choice == "warn" ? LeakPolicy::Warn : LeakPolicy::Ignore;
  }();
  return policy;
}

Leaks findLeaks(const std::string& phase, const std::vector<detail::Allocation*>& allocations) {
  LeakSearch search(allocations);
  search.run();
  return search.describe(phase);
}

}  // namespace portpool
