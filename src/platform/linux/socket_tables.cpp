// The kernel's tables of sockets: by NETLINK_SOCK_DIAG, which looks at some ports, or else
// /proc/net, which formats every socket of the machine.

#include "../posix/posix.hpp"
#include "platform/files.hpp"
#include "platform/port_users.hpp"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <sstream>

namespace portpool::platform {
namespace {

// Of the kernel's tcp_states.h.
constexpr unsigned kClose = 7;
constexpr unsigned kListen = 10;
constexpr unsigned kBoundInactive = 13;  // bound only: Linux 6.8

PortSocket::State stateOf(unsigned state, unsigned long inode, Transport transport) {
  if (transport == Transport::UDP || state == kListen) return PortSocket::State::Listening;
  if (inode == 0) return PortSocket::State::Lingering;
  return state == kClose ? PortSocket::State::Bound : PortSocket::State::Connected;
}

// ---- NETLINK_SOCK_DIAG --------------------------------------------------------------------------

struct Query {
  nlmsghdr header{};
  inet_diag_req_v2 request{};
  nlattr filter{};
  // "Not below the first port, and not above the last": each operation takes two places, the second
  // of which is its port. The numbers are the distances to the next operation, and past the end.
  std::array<inet_diag_bc_op, 4> operations{};
};

Query queryFor(int family, Transport transport, SocketKind kind, PortRange ports) {
  Query query;
  query.header.nlmsg_len = sizeof query;
  query.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  query.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  query.request.sdiag_family = static_cast<std::uint8_t>(family);
  query.request.sdiag_protocol = transport == Transport::TCP ? IPPROTO_TCP : IPPROTO_UDP;
  query.request.idiag_states =
      kind == SocketKind::All ? ~0U : ~(1U << kListen | 1U << kBoundInactive);
  query.filter.nla_len = sizeof query.filter + sizeof query.operations;
  query.filter.nla_type = INET_DIAG_REQ_BYTECODE;
  constexpr std::uint16_t kOperation = sizeof query.operations[0];
  query.operations = {{{INET_DIAG_BC_S_GE, 2 * kOperation, 5 * kOperation},
                       {0, 0, ports.first},
                       {INET_DIAG_BC_S_LE, 2 * kOperation, 3 * kOperation},
                       {0, 0, ports.last}}};
  return query;
}

bool sendQuery(const Socket& socket, const Query& query) {
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  return ::sendto(socket.get(), &query, sizeof query, 0, reinterpret_cast<const sockaddr*>(&kernel),
                  sizeof kernel) == sizeof query;
}

/// Adds the sockets that the kernel answers with; returns false if it refuses.
bool addAnswer(const Socket& socket, Transport transport, const PortSet& ports,
               std::vector<PortSocket>& found) {
  std::vector<char> buffer(32768);  // signal handlers, Catch2's say, have less stack than that
  for (;;) {
    const auto size = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return false;
    auto left = static_cast<std::size_t>(size);
    const char* place = buffer.data();
    while (left >= sizeof(nlmsghdr)) {
      nlmsghdr header{};
      std::memcpy(&header, place, sizeof header);
      if (header.nlmsg_type == NLMSG_DONE) return true;
      if (header.nlmsg_type == NLMSG_ERROR || header.nlmsg_len < sizeof header ||
          header.nlmsg_len > left) {
        return false;
      }
      inet_diag_msg message{};
      if (header.nlmsg_len >= NLMSG_HDRLEN + sizeof message) {
        std::memcpy(&message, place + NLMSG_HDRLEN, sizeof message);
        const auto port = ntohs(message.id.idiag_sport);
        if (port != 0 && ports.contains(port)) {
          found.push_back({port, stateOf(message.idiag_state, message.idiag_inode, transport),
                           std::chrono::milliseconds(message.idiag_expires), message.idiag_inode});
        }
      }
      const auto step = std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), left);
      place += step;
      left -= step;
    }
  }
}

std::optional<std::vector<PortSocket>> askKernel(const PortSet& ports, Transport transport,
                                                 SocketKind kind) {
  const Socket socket(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!socket) {
    if (errno == EMFILE || errno == ENFILE) throwSystemError("socket for sock_diag", errno);
    return std::nullopt;
  }
  std::vector<PortSocket> found;
  const auto& ranges = ports.ranges();
  for (const int family : {AF_INET, AF_INET6}) {
    const auto query =
        queryFor(family, transport, kind, {ranges.front().first, ranges.back().last});
    if (!sendQuery(socket, query) || !addAnswer(socket, transport, ports, found)) {
      return std::nullopt;
    }
  }
  return found;
}

// ---- /proc/net ----------------------------------------------------------------------------------

/// Adds what the table shows; returns whether it can be read.
bool addTable(const std::string& name, Transport transport, const PortSet& ports,
              std::vector<PortSocket>& found) {
  constexpr int kTicksPerSecond = 100;  // of all that the kernel shows
  std::string text;
  const int error = readFile("/proc/net/" + name, text);
  if (error == EMFILE || error == ENFILE) throwSystemError("open /proc/net/" + name, error);
  if (error != 0) return false;
  std::istringstream table(text);
  std::string line;
  std::getline(table, line);  // the heading
  while (std::getline(table, line)) {
    // sl local_address:port remote_address:port st tx:rx timer:when retransmits uid timeout inode
    std::istringstream words(line);
    std::string slot, local, remote, state, queues, timer, retransmits, uid, timeout, inode;
    if (!(words >> slot >> local >> remote >> state >> queues >> timer >> retransmits >> uid >>
          timeout >> inode)) {
      continue;
    }
    const auto hex = [](const std::string& word, std::size_t from) {
      return std::strtoul(word.c_str() + from, nullptr, 16);
    };
    const auto port = static_cast<std::uint16_t>(hex(local, local.find(':') + 1));
    if (port == 0 || !ports.contains(port)) continue;
    const auto ticks = static_cast<long>(hex(timer, timer.find(':') + 1));
    const auto number = std::strtoul(inode.c_str(), nullptr, 10);
    found.push_back({port, stateOf(static_cast<unsigned>(hex(state, 0)), number, transport),
                     std::chrono::milliseconds(ticks * 1000 / kTicksPerSecond), number});
  }
  return true;
}

}  // namespace

std::optional<std::vector<PortSocket>> socketsOn(const PortSet& ports, Transport transport,
                                                 SocketKind kind) {
  std::vector<PortSocket> found;
  if (ports.empty()) return found;
  if (auto answer = askKernel(ports, transport, kind)) return answer;
  const std::string name = transport == Transport::TCP ? "tcp" : "udp";
  if (!addTable(name, transport, ports, found)) return std::nullopt;
  addTable(name + '6', transport, ports, found);  // missing where there is no IPv6
  return found;
}

}  // namespace portpool::platform
