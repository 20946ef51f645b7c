// Who has which socket open, by the kernel's table of open files.

#include "platform/port_users.hpp"

#include "../bsd/tables.hpp"
#include "lock_folder.hpp"
#include "open_sockets.hpp"
#include "platform/own_leases.hpp"
#include "platform/process.hpp"
#include "text.hpp"

#include <sys/param.h>
#include <sys/proc.h>
#include <sys/sysctl.h>
#include <sys/user.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace portpool::platform {
namespace {

/// The command line, or else the program's name.
std::string commandOf(int process, const kinfo_proc& info) {
  constexpr std::size_t kLongest = 16384;
  auto command = readTable({CTL_KERN, KERN_PROC, KERN_PROC_ARGS, process}).value_or("");
  std::replace(command.begin(), command.end(), '\0', ' ');
  while (!command.empty() && command.back() == ' ') command.pop_back();
  if (command.empty()) command = info.ki_comm;
  return printable(command, kLongest);
}

/// Fills in what the system shows of the process.
void describe(int process, PortUser& user) {
  user.pid = process;
  user.isThisProcess = process == pid();
  kinfo_proc info{};
  const auto table = readTable({CTL_KERN, KERN_PROC, KERN_PROC_PID, process});
  if (!table || table->size() < sizeof info) {
    user.isExiting = true;
    return;
  }
  std::memcpy(&info, table->data(), sizeof info);
  user.userId = info.ki_ruid;
  user.isExiting = info.ki_stat == SZOMB || (info.ki_flag & P_WEXIT) != 0;
  if (!user.isExiting) user.command = commandOf(process, info);
}

}  // namespace

std::optional<std::vector<PortUser>> findUsers(const PortSet& ports, UserSearch search) {
  std::vector<PortUser> users;
  std::map<unsigned long, std::set<int>> processes;  // by socket
  const auto open = openSockets();
  if (!open) return std::nullopt;
  for (const auto& each : *open) {
    processes[static_cast<unsigned long>(each.address)].insert(each.process);
  }
  for (const auto transport : {Transport::TCP, Transport::UDP}) {
    const auto sockets = socketsOn(ports, transport);
    if (!sockets) return std::nullopt;
    for (const auto& socket : *sockets) {
      auto user = unknownUser(socket.port, useOf(socket.state), transport);
      const auto found = processes.find(socket.inode);
      if (found == processes.end()) {
        if (socket.inode != 0) user.userId = socket.userId;
        users.push_back(std::move(user));
        continue;
      }
      for (const auto process : found->second) {
        describe(process, user);
        users.push_back(user);
      }
    }
  }
  if (search == UserSearch::SocketsAndLeases) {
    const auto leased = portsLeasedIn(kLockFolder);
    if (!leased) return std::nullopt;
    const auto leasedHere = *leased & ports;
    for (const auto port : leasedHere) {
      auto user = leaseUser(port);
      if (user.isThisProcess) describe(user.pid, user);
      users.push_back(std::move(user));
    }
  }
  return users;
}

std::optional<PortSet> findLeases() { return portsLeasedIn(kLockFolder); }

/// There is one network.
std::size_t countForeignLeases() { return 0; }

}  // namespace portpool::platform
