// Who has which socket open, and which ports are leased.

#include "platform/port_users.hpp"

#include "handle.hpp"
#include "leases.hpp"
#include "platform/own_leases.hpp"
#include "platform/process.hpp"
#include "socket_tables.hpp"
#include "text.hpp"
#include "windows.hpp"

#include <array>
#include <string>

namespace portpool::platform {
namespace {

/// The path of the program; "" if this user may not see it.
std::string programOf(int process) {
  constexpr std::size_t kLongest = 32768;
  const Handle opened(
      ::OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, static_cast<DWORD>(process)));
  if (!opened) return {};
  std::wstring path(kLongest, L'\0');
  auto size = static_cast<DWORD>(path.size());
  if (::QueryFullProcessImageNameW(opened.get(), 0, path.data(), &size) == 0) return {};
  return utf8(std::wstring_view(path.data(), size));
}

}  // namespace

std::optional<std::vector<PortUser>> findUsers(const PortSet& ports, UserSearch search) {
  std::vector<PortUser> users;
  for (const auto transport : {Transport::TCP, Transport::UDP}) {
    const auto sockets = ownedSocketsOn(ports, transport);
    if (!sockets) return std::nullopt;
    for (const auto& [socket, owner, isInTimeWait] : *sockets) {
      PortUser user{socket.port, useOf(socket.state), transport};
      user.pid = owner;
      user.isThisProcess = owner == pid();
      user.isExiting = user.use == PortUser::Use::Lingers;
      if (owner != 0) user.command = programOf(owner);
      users.push_back(std::move(user));
    }
  }
  if (search == UserSearch::SocketsAndLeases) {
    for (const auto port : ports) {
      if (!isLeased(port)) continue;
      auto user = leaseUser(port);
      if (user.isThisProcess) user.command = programOf(user.pid);
      users.push_back(std::move(user));
    }
  }
  return users;
}

std::optional<PortSet> findLeases() {
  PortSet leased;
  for (const auto port : PortSet{{1, 65535}}) {
    if (isLeased(port)) leased.insert(port);
  }
  return leased;
}

/// The processes of another session that may not use global names are not seen.
std::size_t countForeignLeases() { return 0; }

}  // namespace portpool::platform
