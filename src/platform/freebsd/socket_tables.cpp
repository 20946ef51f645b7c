// The kernel's tables of sockets, with those that no process has open any more.

#include "../bsd/tables.hpp"
#include "open_sockets.hpp"
#include "platform/port_users.hpp"

#include <sys/types.h>

#include <sys/socket.h>
#include <sys/socketvar.h>

#include <netinet/in.h>
#include <netinet/in_pcb.h>
#include <netinet/tcp.h>
#include <netinet/tcp_fsm.h>
#include <netinet/tcp_seq.h>
#include <netinet/tcp_var.h>

#include <algorithm>
#include <cstring>
#include <set>

namespace portpool::platform {
namespace {

const xinpcb& internetOf(const xinpcb& record) { return record; }
const xinpcb& internetOf(const xtcpcb& record) { return record.xt_inp; }

SocketAddress addressOf(const xinpcb& record) {
  SocketAddress address;
  // A socket for both families that is bound to every address has both versions.
  if (record.inp_vflag == INP_IPV4) {
    std::memcpy(address.host.data(), &record.inp_inc.inc_laddr, sizeof(in_addr));
    return address;
  }
  address.family = AddressFamily::IPv6;
  auto host = record.inp_inc.inc6_laddr;
  if (IN6_IS_ADDR_LINKLOCAL(&host)) {
    // The kernel keeps the interface of a link-local address within it.
    address.scope = static_cast<std::uint32_t>(host.s6_addr[2] << 8 | host.s6_addr[3]);
    host.s6_addr[2] = host.s6_addr[3] = 0;
  }
  std::memcpy(address.host.data(), &host, sizeof host);
  return address;
}

PortSocket::State stateOf(const xinpcb& /*record*/) { return PortSocket::State::Listening; }
PortSocket::State stateOf(const xtcpcb& record) {
  switch (record.t_state) {
    case TCPS_LISTEN:
      return PortSocket::State::Listening;
    case TCPS_CLOSED:
      return PortSocket::State::Bound;
    case TCPS_TIME_WAIT:
      return PortSocket::State::Lingering;
    default:
      return PortSocket::State::Connected;
  }
}

/// The records of the table that are on the ports. A xinpgen comes before the records and after.
template <class Record>
std::optional<std::vector<PortSocket>> socketsIn(const char* name, const PortSet& ports,
                                                 SocketKind kind) {
  const auto table = readTable(name);
  if (!table) return std::nullopt;
  std::vector<PortSocket> found;
  const auto sizeAt = [&](std::size_t place) {
    ksize_t size = 0;
    if (table->size() - place >= sizeof size) std::memcpy(&size, &(*table)[place], sizeof size);
    return static_cast<std::size_t>(size);
  };
  if (table->empty() || sizeAt(0) == 0) return found;
  for (std::size_t place = std::min(sizeAt(0), table->size()); place < table->size();) {
    const auto size = sizeAt(place);
    if (size <= sizeof(xinpgen)) break;  // the last
    // Another version of the system may have other records.
    if (size != sizeof(Record) || size > table->size() - place) return std::nullopt;
    Record record{};
    std::memcpy(&record, &(*table)[place], sizeof record);
    place += size;
    const auto& internet = internetOf(record);
    const auto port = ntohs(internet.inp_inc.inc_lport);
    const auto state = stateOf(record);
    if (port == 0 || !ports.contains(port) || !isOfKind(state, kind)) continue;
    const auto& socket = internet.xi_socket;
    const bool isOpen = state != PortSocket::State::Lingering;
    found.push_back({port, addressOf(internet), state, std::chrono::milliseconds::zero(),
                     isOpen ? static_cast<unsigned long>(socket.xso_so) : 0, socket.so_uid});
  }
  return found;
}

/// A connection that is not in TIME_WAIT may be one that its process has closed, too.
void findLingering(std::vector<PortSocket>& sockets) {
  const auto isConnected = [](const PortSocket& socket) {
    return socket.state == PortSocket::State::Connected;
  };
  if (std::none_of(sockets.begin(), sockets.end(), isConnected)) return;
  const auto open = openSockets();
  if (!open) return;
  std::set<unsigned long> addresses;
  for (const auto& each : *open) addresses.insert(static_cast<unsigned long>(each.address));
  for (auto& socket : sockets) {
    if (!isConnected(socket) || addresses.count(socket.inode) != 0) continue;
    socket.state = PortSocket::State::Lingering;
    socket.inode = 0;
  }
}

}  // namespace

std::optional<std::vector<PortSocket>> socketsOn(const PortSet& ports, Transport transport,
                                                 SocketKind kind) {
  if (ports.empty()) return std::vector<PortSocket>{};
  auto found = transport == Transport::TCP ? socketsIn<xtcpcb>("net.inet.tcp.pcblist", ports, kind)
                                           : socketsIn<xinpcb>("net.inet.udp.pcblist", ports, kind);
  if (found) findLingering(*found);
  return found;
}

}  // namespace portpool::platform
