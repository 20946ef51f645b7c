// The kernel's tables of sockets: by NETLINK_SOCK_DIAG, which looks at some ports, or else
// /proc/net, which formats every socket of the machine.

#include "platform/files.hpp"
#include "platform/port_users.hpp"
#include "platform/socket.hpp"
#include "platform/system_error.hpp"

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

/// The address of the family with these bytes. An IPv4 address mapped into IPv6 becomes IPv4 again.
SocketAddress addressFrom(int family, const void* bytes) {
  constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  SocketAddress address;
  std::memcpy(address.host.data(), bytes, family == AF_INET ? 4 : address.host.size());
  if (family == AF_INET) return address;
  if (std::equal(kMapped.begin(), kMapped.end(), address.host.begin())) {
    const auto mapped = address.host;
    address.host = {};
    std::copy(mapped.begin() + kMapped.size(), mapped.end(), address.host.begin());
  } else {
    address.family = AddressFamily::IPv6;
  }
  return address;
}

PortSocket::State stateOf(unsigned state, unsigned long inode, Transport transport) {
  if (transport == Transport::UDP || state == kListen) return PortSocket::State::Listening;
  if (inode == 0) return PortSocket::State::Lingering;
  return state == kClose ? PortSocket::State::Bound : PortSocket::State::Connected;
}

// ---- NETLINK_SOCK_DIAG --------------------------------------------------------------------------

/// "Not below the first port, and not above the last": each operation takes two places, the second
/// of which is its port. The numbers are the distances to the next operation, and past the end.
struct Filter {
  explicit Filter(PortRange ports) {
    constexpr std::uint16_t kOperation = sizeof operations[0];
    header.nla_len = sizeof header + sizeof operations;
    header.nla_type = INET_DIAG_REQ_BYTECODE;
    operations = {{{INET_DIAG_BC_S_GE, 2 * kOperation, 5 * kOperation},
                   {0, 0, ports.first},
                   {INET_DIAG_BC_S_LE, 2 * kOperation, 3 * kOperation},
                   {0, 0, ports.last}}};
  }
  nlattr header{};
  std::array<inet_diag_bc_op, 4> operations{};
};

template <class Request>
struct Query {
  Query(std::uint16_t type, PortRange ports) : filter(ports) {
    header.nlmsg_len = sizeof *this;
    header.nlmsg_type = type;
    header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  }
  nlmsghdr header{};
  Request request{};
  Filter filter;
};

/// Both families in one walk over the kernel's table, which for TCP is a large one.
Query<inet_diag_req> queryForTCP(PortRange ports) {
  Query<inet_diag_req> query(TCPDIAG_GETSOCK, ports);
  query.request.idiag_states = ~0U;
  return query;
}

Query<inet_diag_req_v2> queryForUDP(int family, PortRange ports) {
  Query<inet_diag_req_v2> query(SOCK_DIAG_BY_FAMILY, ports);
  query.request.sdiag_family = static_cast<std::uint8_t>(family);
  query.request.sdiag_protocol = IPPROTO_UDP;
  query.request.idiag_states = ~0U;
  return query;
}

template <class Request>
bool sendQuery(const Socket& socket, const Query<Request>& query) {
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
          found.push_back({port, addressFrom(message.idiag_family, &message.id.idiag_src),
                           stateOf(message.idiag_state, message.idiag_inode, transport),
                           std::chrono::milliseconds(message.idiag_expires), message.idiag_inode,
                           message.idiag_uid});
        }
      }
      const auto step = std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), left);
      place += step;
      left -= step;
    }
  }
}

std::optional<std::vector<PortSocket>> askKernel(const PortSet& ports, Transport transport) {
  const Socket socket(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!socket) {
    if (errno == EMFILE || errno == ENFILE) throwSystemError("socket for sock_diag", errno);
    return std::nullopt;
  }
  std::vector<PortSocket> found;
  const PortRange range{ports.ranges().front().first, ports.ranges().back().last};
  const auto ask = [&](const auto& query) {
    return sendQuery(socket, query) && addAnswer(socket, transport, ports, found);
  };
  const bool isAnswered = transport == Transport::TCP ? ask(queryForTCP(range))
                                                      : ask(queryForUDP(AF_INET, range)) &&
                                                            ask(queryForUDP(AF_INET6, range));
  if (!isAnswered) return std::nullopt;
  return found;
}

// ---- /proc/net ----------------------------------------------------------------------------------

/// The address that the table shows before the colon: the bytes in groups of four, each a number.
SocketAddress addressIn(const std::string& text) {
  constexpr std::size_t kDigits = 8;
  std::array<std::uint32_t, 4> words{};
  const auto length = std::min(text.find(':'), kDigits * words.size());
  for (std::size_t i = 0; i * kDigits < length; ++i) {
    words[i] =
        static_cast<std::uint32_t>(std::stoul(text.substr(i * kDigits, kDigits), nullptr, 16));
  }
  return addressFrom(length > kDigits ? AF_INET6 : AF_INET, words.data());
}

/// Adds the sockets of the table; returns whether it can be read.
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
    std::string slot, local, remote, stateText, queues, timer, retransmits, uid, timeout, inode;
    if (!(words >> slot >> local >> remote >> stateText >> queues >> timer >> retransmits >> uid >>
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
    const auto state = stateOf(static_cast<unsigned>(hex(stateText, 0)), number, transport);
    found.push_back({port, addressIn(local), state,
                     std::chrono::milliseconds(ticks * 1000 / kTicksPerSecond), number,
                     static_cast<unsigned>(std::strtoul(uid.c_str(), nullptr, 10))});
  }
  return true;
}

}  // namespace

std::optional<std::vector<PortSocket>> socketsOn(const PortSet& ports, Transport transport) {
  std::vector<PortSocket> found;
  if (ports.empty()) return found;
  if (auto answer = askKernel(ports, transport)) return answer;
  const std::string name = transport == Transport::TCP ? "tcp" : "udp";
  if (!addTable(name, transport, ports, found)) return std::nullopt;
  addTable(name + '6', transport, ports, found);  // missing where there is no IPv6
  return found;
}

}  // namespace portpool::platform
