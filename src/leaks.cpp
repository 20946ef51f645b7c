#include "leaks.hpp"

#include "environment.hpp"
#include "platform/port_users.hpp"
#include "probe.hpp"
#include "text.hpp"

#include <portpool/port_users.hpp>

#include <algorithm>
#include <chrono>
#include <map>
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

  /// Waits for those that are about to let go.
  void run() {
    look();
    // A killed server has closed its sockets within some milliseconds, on a busy machine some more.
    // What this process has open itself is not about to go.
    constexpr auto kSoon = std::chrono::milliseconds(20);
    constexpr auto kDying = std::chrono::milliseconds(500);
    constexpr auto kUnseen = std::chrono::milliseconds(3000);
    constexpr auto kExiting = std::chrono::milliseconds(60000);  // it frees much memory first
    constexpr auto kLongestPause = std::chrono::milliseconds(20);
    const auto start = Clock::now();
    auto deadline = start + kSoon;
    for (Clock::duration pause = std::chrono::microseconds(200); isAnyInUse(); look()) {
      if (Clock::now() >= deadline) {
        const auto users = usersOfPorts(portsInUse(), UserSearch::Sockets);
        if (users && isAllOfThisProcess(*users)) return;
        const bool isAlive = users && std::any_of(users->begin(), users->end(), isSeenAlive);
        const bool isExiting =
            users && std::any_of(users->begin(), users->end(), [](const PortUser& user) {
              return user.pid != 0 && user.isExiting;
            });
        deadline = start + (isAlive ? kDying : isExiting ? kExiting : kUnseen);
        if (Clock::now() >= deadline) return;
      }
      std::this_thread::sleep_for(pause);
      pause = std::min<Clock::duration>(pause * 2, kLongestPause);
    }
  }

  Leaks describe(const std::string& phase) const {
    Leaks leaks;
    std::optional<std::vector<PortUser>> users;
    if (isAnyInUse()) users = usersOfPorts(portsInUse(), UserSearch::Sockets);
    for (const auto& [allocation, use] : suspects_) {
      const auto port = allocation->port();
      const auto title = portTitle(port, allocation->request().name);
      const auto ends = phase + " ends, but ";
      constexpr const char* kRemedy = ", or set PORTPOOL_LEAKS=ignore";
      if (use == RemainingUse::Server) {
        leaks.found.push_back({port, ends + "its " + title + " is still in use by " +
                                         describeUsers(users, port, false) +
                                         "; stop the server within its test" + kRemedy});
      } else if (use == RemainingUse::Connection) {
        leaks.found.push_back(
            {port, ends + "a connection on its " + title + " is still open in " +
                       describeUsers(users, port, true) +
                       ", though nothing listens there any more; close it within the test" +
                       kRemedy});
      } else if (use == RemainingUse::Unknown) {
        leaks.unknown.push_back(
            phase + " ends; it is not known whether its " + title +
            " is still in use, because the system does not show its sockets; show them to the test "
            "(on Linux NETLINK_SOCK_DIAG, or /proc/net/tcp), or set PORTPOOL_LEAKS=ignore");
      }
    }
    return leaks;
  }

 private:
  struct Suspect {
    detail::Allocation* allocation;
    RemainingUse use;
  };

  /// Looks at all suspects, and keeps those that are in use.
  void look() {
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
  }

  /// What binding tells. A server's own SO_REUSEADDR decides whether another can bind beside the
  /// connections that it left: Unknown if only the system's tables can tell.
  static RemainingUse probe(const detail::Allocation& allocation) {
    const auto port = allocation.port();
    if (!isBusy(allocation.request(), port)) return RemainingUse::None;
    auto request = allocation.request();
    const auto transport = request.transport;
    if (transport != Transport::TCP) {
      request.transport = Transport::UDP;
      if (isBusy(request, port)) return RemainingUse::Server;
    }
    if (transport == Transport::UDP) return RemainingUse::None;
    request.transport = Transport::TCP;
    return isBusy(request, port) ? RemainingUse::Unknown : RemainingUse::None;
  }

  /// A port that this user may not bind (any more) tells nothing.
  static bool isBusy(const PortRequest& request, std::uint16_t port) {
    return Probe(request).isFree(port) == Probe::Result::Busy;
  }

  /// Asks the system once for all of them. Where only connections linger to which a server with
  /// SO_REUSEADDR could bind, the tables of connections are enough.
  void lookUpSockets(const PortSet& ports) {
    using platform::SocketKind;
    PortSet unexplained = ports;
    for (const auto kind : {SocketKind::Connection, SocketKind::All}) {
      if (unexplained.empty()) return;
      const auto sockets = platform::socketsOn(unexplained, Transport::TCP, kind);
      if (!sockets) return;
      std::multimap<std::uint16_t, const PortSocket*> byPort;
      for (const auto& socket : *sockets) byPort.emplace(socket.port, &socket);
      for (auto& suspect : suspects_) {
        if (suspect.use != RemainingUse::Unknown) continue;
        const auto port = suspect.allocation->port();
        auto request = suspect.allocation->request();
        request.transport = Transport::TCP;
        Probe probe(request);
        std::optional<RemainingUse> use;  // none if the system shows no socket
        const auto [begin, end] = byPort.equal_range(port);
        for (auto socket = begin; socket != end; ++socket) {
          if (!probe.concerns(socket->second->address)) continue;
          use = std::max(use.value_or(RemainingUse::None), useOf(socket->second->state));
        }
        if (kind == SocketKind::All) {
          // What the system does not show keeps servers off all the same.
          suspect.use = use.value_or(RemainingUse::Server);
        } else if (use &&
                   probe.isFree(port, Probe::Mode::BesidesLingering) == Probe::Result::Free) {
          suspect.use = *use;
          unexplained -= PortSet{{port, port}};
        }
      }
    }
  }

  static RemainingUse useOf(PortSocket::State state) {
    if (state == PortSocket::State::Lingering) return RemainingUse::None;
    return state == PortSocket::State::Connected ? RemainingUse::Connection : RemainingUse::Server;
  }

  static bool isInUse(const Suspect& suspect) {
    return suspect.use == RemainingUse::Server || suspect.use == RemainingUse::Connection;
  }
  bool isAnyInUse() const { return std::any_of(suspects_.begin(), suspects_.end(), isInUse); }

  PortSet portsInUse() const {
    PortSet ports;
    for (const auto& suspect : suspects_) {
      if (isInUse(suspect)) ports.insert(suspect.allocation->port());
    }
    return ports;
  }

  static bool isSeen(const PortUser& user) { return user.use != PortUser::Use::Lingers; }
  static bool isSeenAlive(const PortUser& user) { return isSeen(user) && !user.isExiting; }

  bool isAllOfThisProcess(const std::vector<PortUser>& users) const {
    auto others = portsInUse();
    for (const auto& user : users) {
      if (user.isThisProcess) others -= PortSet{{user.port, user.port}};
    }
    return others.empty();
  }

  static std::string describeUsers(const std::optional<std::vector<PortUser>>& users,
                                   std::uint16_t port, bool connections) {
    if (!users) return "a program that the system does not show";
    std::vector<std::string> processes;
    for (const auto& user : *users) {
      if (user.port != port || !isSeen(user)) continue;
      if ((user.use == PortUser::Use::HasConnection) != connections) continue;
      const auto process = user.process();
      if (std::find(processes.begin(), processes.end(), process) == processes.end()) {
        processes.push_back(process);
      }
    }
    std::string text;
    for (const auto& process : processes) text += (text.empty() ? "" : ", ") + process;
    return text.empty() ? "a socket of a process that is not shown" : text;
  }

  std::vector<Suspect> suspects_;
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
