// The system's tables of sockets, from the IP Helper.

#include "socket_tables.hpp"

#include "winsock.hpp"

#include <iphlpapi.h>

#include <cstddef>
#include <cstring>

namespace portpool::platform {
namespace {

/// The rows of the table that `get` fills a buffer with, whose size it is given and corrects.
template <class Table, class Get>
bool readRows(const Get& get, std::vector<std::byte>& buffer, const Table*& table) {
  constexpr int kMostTries = 5;
  constexpr DWORD kUsualSize = 65536;  // the system collects the whole table to tell its size
  DWORD size = kUsualSize;
  for (int i = 0; i < kMostTries; ++i) {
    buffer.resize(size);
    const auto error = get(buffer.data(), &size);
    table = reinterpret_cast<const Table*>(buffer.data());
    if (error != ERROR_INSUFFICIENT_BUFFER) return error == NO_ERROR;
    size += size / 8;  // it may grow meanwhile
  }
  return false;
}

std::uint16_t portFrom(DWORD port) { return ntohs(static_cast<u_short>(port)); }

SocketAddress addressOf(const MIB_TCPROW_OWNER_PID& row) {
  SocketAddress address;
  std::memcpy(address.host.data(), &row.dwLocalAddr, sizeof row.dwLocalAddr);
  return address;
}
SocketAddress addressOf(const MIB_UDPROW_OWNER_PID& row) {
  SocketAddress address;
  std::memcpy(address.host.data(), &row.dwLocalAddr, sizeof row.dwLocalAddr);
  return address;
}
template <class Row>
SocketAddress addressOfIPv6(const Row& row) {
  SocketAddress address;
  address.family = AddressFamily::IPv6;
  std::memcpy(address.host.data(), row.ucLocalAddr, address.host.size());
  address.scope = row.dwLocalScopeId;
  return address;
}
SocketAddress addressOf(const MIB_TCP6ROW_OWNER_PID& row) { return addressOfIPv6(row); }
SocketAddress addressOf(const MIB_UDP6ROW_OWNER_PID& row) { return addressOfIPv6(row); }

template <class Row>
PortSocket::State stateOf(const Row& row) {
  switch (row.dwState) {
    case MIB_TCP_STATE_LISTEN:
      return PortSocket::State::Listening;
    case MIB_TCP_STATE_TIME_WAIT:
      return PortSocket::State::Lingering;
    case MIB_TCP_STATE_FIN_WAIT1:
    case MIB_TCP_STATE_FIN_WAIT2:
    case MIB_TCP_STATE_CLOSING:
    case MIB_TCP_STATE_LAST_ACK:  // closed, unless a process still has it
      return row.dwOwningPid == 0 ? PortSocket::State::Lingering : PortSocket::State::Connected;
    default:
      return PortSocket::State::Connected;
  }
}
PortSocket::State stateOf(const MIB_UDPROW_OWNER_PID& /*row*/) {
  return PortSocket::State::Listening;
}
PortSocket::State stateOf(const MIB_UDP6ROW_OWNER_PID& /*row*/) {
  return PortSocket::State::Listening;
}

template <class Row>
bool isInTimeWait(const Row& row) {
  return row.dwState == MIB_TCP_STATE_TIME_WAIT;
}
bool isInTimeWait(const MIB_UDPROW_OWNER_PID& /*row*/) { return false; }
bool isInTimeWait(const MIB_UDP6ROW_OWNER_PID& /*row*/) { return false; }

template <class Table, class Get>
bool addRows(const PortSet& ports, const Get& get, std::vector<OwnedSocket>& sockets) {
  std::vector<std::byte> buffer;
  const Table* table = nullptr;
  if (!readRows(get, buffer, table)) return false;
  for (const auto* row = table->table; row != table->table + table->dwNumEntries; ++row) {
    const auto port = portFrom(row->dwLocalPort);
    if (port == 0 || !ports.contains(port)) continue;
    const auto state = stateOf(*row);
    const auto pid = state == PortSocket::State::Lingering ? 0 : static_cast<int>(row->dwOwningPid);
    sockets.push_back({{port, addressOf(*row), state, std::chrono::milliseconds::zero(),
                        static_cast<unsigned long>(pid), 0},
                       pid,
                       isInTimeWait(*row)});
  }
  return true;
}

template <class Table>
bool addTCP(const PortSet& ports, int domain, std::vector<OwnedSocket>& sockets) {
  return addRows<Table>(
      ports,
      [domain](void* buffer, DWORD* size) {
        return ::GetExtendedTcpTable(buffer, size, FALSE, static_cast<ULONG>(domain),
                                     TCP_TABLE_OWNER_PID_ALL, 0);
      },
      sockets);
}

template <class Table>
bool addUDP(const PortSet& ports, int domain, std::vector<OwnedSocket>& sockets) {
  return addRows<Table>(
      ports,
      [domain](void* buffer, DWORD* size) {
        return ::GetExtendedUdpTable(buffer, size, FALSE, static_cast<ULONG>(domain),
                                     UDP_TABLE_OWNER_PID, 0);
      },
      sockets);
}

}  // namespace

std::optional<std::vector<OwnedSocket>> ownedSocketsOn(const PortSet& ports, Transport transport) {
  std::vector<OwnedSocket> sockets;
  if (ports.empty()) return sockets;
  const bool isShown = transport == Transport::TCP
                           ? addTCP<MIB_TCPTABLE_OWNER_PID>(ports, AF_INET, sockets) &&
                                 addTCP<MIB_TCP6TABLE_OWNER_PID>(ports, AF_INET6, sockets)
                           : addUDP<MIB_UDPTABLE_OWNER_PID>(ports, AF_INET, sockets) &&
                                 addUDP<MIB_UDP6TABLE_OWNER_PID>(ports, AF_INET6, sockets);
  if (!isShown) return std::nullopt;
  return sockets;
}

std::optional<std::vector<PortSocket>> socketsOn(const PortSet& ports, Transport transport) {
  std::vector<PortSocket> sockets;
  const auto owned = ownedSocketsOn(ports, transport);
  if (!owned) return std::nullopt;
  for (const auto& [socket, pid, isInTimeWait] : *owned) {
    if (!isInTimeWait) sockets.push_back(socket);
  }
  return sockets;
}

}  // namespace portpool::platform
