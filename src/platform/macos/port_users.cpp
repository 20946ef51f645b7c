// Who has which socket open, by libproc.

#include "platform/port_users.hpp"

#include "../lock_file/file_locks.hpp"
#include "../lock_file/lock_file.hpp"
#include "platform/own_leases.hpp"
#include "platform/process.hpp"
#include "platform/socket.hpp"
#include "processes.hpp"

#include <fcntl.h>
#include <libproc.h>
#include <netinet/in.h>
#include <sys/proc_info.h>

#include <algorithm>
#include <string>
#include <utility>

namespace portpool::platform {
namespace {

/// The port of the socket and how it is used, or port 0 if it has none.
PortUser useOf(const socket_info& socket) {
  PortUser user{0, PortUser::Use::Listens, Transport::UDP};
  const auto portOf = [](const in_sockinfo& internet) {
    return ntohs(static_cast<std::uint16_t>(internet.insi_lport));
  };
  if (socket.soi_kind == SOCKINFO_TCP) {
    const auto& tcp = socket.soi_proto.pri_tcp;
    user.transport = Transport::TCP;
    user.port = portOf(tcp.tcpsi_ini);
    user.use = tcp.tcpsi_state == TSI_S_LISTEN   ? PortUser::Use::Listens
               : tcp.tcpsi_state == TSI_S_CLOSED ? PortUser::Use::Binds
                                                 : PortUser::Use::HasConnection;
  } else if (socket.soi_kind == SOCKINFO_IN && socket.soi_protocol == IPPROTO_UDP) {
    user.port = portOf(socket.soi_proto.pri_in);
  }
  return user;
}

/// Adds the sockets that the process has open on the ports, as far as this user may see them.
void addProcess(int process, const PortSet& ports, std::vector<PortUser>& users) {
  PortUser known{};
  for (const auto descriptor : socketsOf(process)) {
    socket_fdinfo info{};
    const int size =
        ::proc_pidfdinfo(process, descriptor, PROC_PIDFDSOCKETINFO, &info, sizeof info);
    if (size < static_cast<int>(sizeof info)) continue;
    const auto use = useOf(info.psi);
    if (use.port == 0 || !ports.contains(use.port)) continue;
    if (known.pid == 0) {
      known.pid = process;
      known.userId = userOf(process);
      known.isThisProcess = process == pid();
      known.isExiting = isExiting(process);
      if (!known.isExiting) known.command = commandOf(process);
    }
    known.port = use.port;
    known.use = use.use;
    known.transport = use.transport;
    users.push_back(known);
  }
}

/// The ports among these that are leased, by whatever process: a lock does not tell which.
std::optional<PortSet> leasedAmong(const PortSet& ports) {
  PortSet leased;
  const Socket file(::open(kLockFile, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file) return leased;  // nobody has any
  for (const auto port : ports) {
    bool isLocked = false;
    if (findLock(file.get(), lockOffset(port), isLocked) != 0) return std::nullopt;
    if (isLocked) leased.insert(port);
  }
  return leased;
}

}  // namespace

std::optional<std::vector<PortUser>> findUsers(const PortSet& ports, UserSearch search) {
  std::vector<PortUser> users;
  for (const int process : processes()) addProcess(process, ports, users);
  PortSet explained;
  for (const auto& user : users) explained.insert(user.port);
  for (const auto transport : {Transport::TCP, Transport::UDP}) {
    const auto sockets = socketsOn(ports, transport);
    if (!sockets) return std::nullopt;
    for (const auto& socket : *sockets) {
      auto user = unknownUser(socket.port, useOf(socket.state), transport);
      if (socket.state == PortSocket::State::Lingering) {
        users.push_back(std::move(user));
      } else if (!explained.contains(socket.port)) {  // another user's
        user.userId = socket.userId;
        users.push_back(std::move(user));
      }
    }
  }
  if (search == UserSearch::SocketsAndLeases) {
    const auto leased = leasedAmong(ports);
    if (!leased) return std::nullopt;
    for (const auto port : *leased) {
      auto user = leaseUser(port);
      if (user.isThisProcess) user.command = commandOf(user.pid);
      users.push_back(std::move(user));
    }
  }
  return users;
}

std::optional<PortSet> findLeases() { return leasedAmong({{1, 65535}}); }

/// There is one network.
std::size_t countForeignLeases() { return 0; }

}  // namespace portpool::platform
