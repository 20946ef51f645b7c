// Who has which socket open, by /proc.

#include "platform/port_users.hpp"

#include "lease_tables.hpp"
#include "platform/files.hpp"
#include "text.hpp"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string_view>

namespace portpool::platform {
namespace {

/// The target of the symbolic link (its beginning, if it is long), or "" if it cannot be read.
std::string targetOf(const std::string& link) {
  std::array<char, 64> target{};
  const auto length = ::readlink(link.c_str(), target.data(), target.size());
  return length > 0 ? std::string(target.data(), static_cast<std::size_t>(length)) : "";
}

/// The names in the folder, or none if it cannot be read.
std::vector<std::string> namesIn(const std::string& folder) {
  std::vector<std::string> names;
  const auto close = [](DIR* stream) { ::closedir(stream); };
  if (const std::unique_ptr<DIR, decltype(close)> stream(::opendir(folder.c_str()), close);
      stream) {
    while (const auto* entry = ::readdir(stream.get())) names.emplace_back(entry->d_name);
  }
  return names;
}

/// The command line, or if the process has wiped it, the program's name.
std::string commandOf(const std::string& pid) {
  constexpr std::size_t kLongest = 16384;
  std::string command;
  for (const auto* file : {"/cmdline", "/comm"}) {
    readFile("/proc/" + pid + file, command, kLongest + 1);
    std::replace(command.begin(), command.end(), '\0', ' ');
    while (!command.empty() && (command.back() == ' ' || command.back() == '\n')) {
      command.pop_back();
    }
    if (!command.empty()) break;
  }
  return printable(command, kLongest);
}

/// A field of the process's status, up to the end of the text; "" if the system does not show it.
std::string statusOf(const std::string& pid, const std::string& field) {
  const auto label = '\n' + field + ':';
  std::string status;
  readFile("/proc/" + pid + "/status", status);
  const auto found = status.find(label);
  return found == std::string::npos ? "" : status.substr(found + label.size());
}

/// Whether the process has given its memory back, as one does that exits, before its files; or has
/// been killed, and has had no processor since.
bool isExiting(const std::string& pid) {
  constexpr unsigned long kKill = 1UL << (SIGKILL - 1);  // what every deadly signal becomes
  std::string pages;
  if (readFile("/proc/" + pid + "/statm", pages) != 0 || pages.rfind("0 ", 0) == 0) return true;
  return (std::strtoul(statusOf(pid, "SigPnd").c_str(), nullptr, 16) & kKill) != 0;
}

/// The user as whom the process runs.
std::optional<unsigned> userOf(const std::string& pid) {
  const auto users = statusOf(pid, "Uid");  // the real, the effective, and others
  if (users.empty()) return std::nullopt;
  char* end = nullptr;
  std::strtoul(users.c_str(), &end, 10);
  return static_cast<unsigned>(std::strtoul(end, nullptr, 10));
}

/// Uses of ports, with all that is known of them without the process.
struct Uses {
  std::map<unsigned long, std::vector<PortUser>> byInode;  // by whoever has that open
  std::vector<PortUser> lingering;
};

/// Nothing if the system does not show them.
std::optional<Uses> usesOf(const PortSet& ports, UserSearch search) {
  Uses uses;
  for (const auto transport : {Transport::TCP, Transport::UDP}) {
    const auto sockets = socketsOn(ports, transport);
    if (!sockets) return std::nullopt;
    for (const auto& socket : *sockets) {
      auto user = unknownUser(socket.port, useOf(socket.state), transport);
      if (socket.inode != 0) {
        user.userId = socket.userId;
        uses.byInode[socket.inode].push_back(user);
      } else if (socket.state == PortSocket::State::Lingering) {
        uses.lingering.push_back(user);
      }
    }
  }
  if (search == UserSearch::SocketsAndLeases) {
    const auto leases = namedLeases();
    if (!leases) return std::nullopt;
    for (const auto& lease : *leases) {
      if (!ports.contains(lease.port)) continue;
      uses.byInode[lease.inode].push_back(
          unknownUser(lease.port, PortUser::Use::Leases, Transport::Both));
    }
  }
  return uses;
}

// ---- Processes ----------------------------------------------------------------------------------

/// The inode of the socket that a descriptor refers to by this target, or 0.
unsigned long socketInode(const std::string& target) {
  constexpr std::string_view kPrefix = "socket:[";
  if (target.compare(0, kPrefix.size(), kPrefix) != 0) return 0;
  return std::strtoul(target.c_str() + kPrefix.size(), nullptr, 10);
}

/// The symbolic link that leads to this process's network, or to another's.
std::string networkOf(const std::string& pid) { return targetOf("/proc/" + pid + "/ns/net"); }

std::vector<std::string> processes() {
  auto names = namesIn("/proc");
  names.erase(std::remove_if(names.begin(), names.end(),
                             [](const std::string& name) {
                               return name.find_first_not_of("0123456789") != std::string::npos;
                             }),
              names.end());
  return names;
}

/// Looks for the users of sockets and leases among the processes.
class Search {
 public:
  explicit Search(const Uses& uses) : uses_(uses.byInode) {
    for (const auto& [inode, use] : uses_) unexplained_.insert(inode);
  }

  std::vector<PortUser> run() {
    // Looking at a descriptor keeps its file open for an instant. An owner that closes it then may
    // find its own port busy. So this process comes first, then only processes that can use the
    // ports, and the search ends as soon as all users are known.
    const auto self = targetOf("/proc/self");  // not always this process's own number: namespaces
    lookAt(self, true);
    const auto network = networkOf("self");
    for (const auto& pid : processes()) {
      if (isComplete()) break;
      if (pid != self && networkOf(pid) == network) lookAt(pid, false);
    }
    return std::move(found_);
  }

  bool isComplete() const { return unexplained_.empty(); }

  /// What no process explained and is still there: the rest has ended since.
  std::vector<PortUser> unexplained(const Uses& now) const {
    std::vector<PortUser> users;
    for (const auto inode : unexplained_) {
      const auto used = now.byInode.find(inode);
      if (used == now.byInode.end()) continue;
      for (auto use : used->second) {
        if (use.use == PortUser::Use::Leases) use.userId = ownerOf(inode);
        users.push_back(std::move(use));
      }
    }
    return users;
  }

 private:
  void lookAt(const std::string& pid, bool isThisProcess) {
    const auto process = "/proc/" + pid;
    PortUser known{};  // of the process
    const auto add = [&](const PortUser& user) {
      if (known.pid == 0) {
        known.pid = static_cast<int>(std::strtol(pid.c_str(), nullptr, 10));
        known.userId = userOf(pid);
        known.isThisProcess = isThisProcess;
        known.isExiting = isExiting(pid);
        if (!known.isExiting) known.command = commandOf(pid);
      }
      known.port = user.port;
      known.use = user.use;
      known.transport = user.transport;
      found_.push_back(known);
    };
    for (const auto& descriptor : namesIn(process + "/fd")) {
      const auto inode = socketInode(targetOf(process + "/fd/" + descriptor));
      const auto used = uses_.find(inode);
      if (used == uses_.end()) continue;
      for (const auto& use : used->second) add(use);
      unexplained_.erase(inode);
    }
  }

  const std::map<unsigned long, std::vector<PortUser>>& uses_;
  std::set<unsigned long> unexplained_;
  std::vector<PortUser> found_;
};

}  // namespace

std::optional<std::vector<PortUser>> findUsers(const PortSet& ports, UserSearch search) {
  auto uses = usesOf(ports, search);
  if (!uses) return std::nullopt;
  std::vector<PortUser> users;
  if (!uses->byInode.empty()) {
    Search owners(*uses);
    users = owners.run();
    if (!owners.isComplete()) {
      const auto now = usesOf(ports, search);
      if (!now) return std::nullopt;
      for (auto& user : owners.unexplained(*now)) users.push_back(std::move(user));
    }
  }
  for (auto& user : uses->lingering) users.push_back(std::move(user));
  return users;
}

std::optional<PortSet> findLeases() {
  const auto leases = namedLeases();
  if (!leases) return std::nullopt;
  PortSet ports;
  for (const auto& lease : *leases) ports.insert(lease.port);
  return ports;
}

std::size_t countForeignLeases() {
  std::set<std::string> networks{"", networkOf("self")};
  std::size_t count = 0;
  for (const auto& pid : processes()) {
    if (networks.insert(networkOf(pid)).second) {
      const auto leases = namedLeases("/proc/" + pid + "/net/unix");
      if (leases) count += leases->size();
    }
  }
  return count;
}

}  // namespace portpool::platform
