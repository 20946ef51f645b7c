// Who has which socket open, by /proc.

#include "platform/port_users.hpp"

#include "../posix/lock_offset.hpp"
#include "../posix/posix.hpp"
#include "lease_name.hpp"
#include "platform/files.hpp"
#include "text.hpp"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string_view>

namespace portpool::platform {
namespace {

/// What the symbolic link names (its beginning, if it is long), or "" if it cannot be read.
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
  constexpr std::size_t kLongest = 80;
  std::string command;
  for (const auto* file : {"/cmdline", "/comm"}) {
    readFile("/proc/" + pid + file, command, std::size_t{4} * kLongest);
    std::replace(command.begin(), command.end(), '\0', ' ');
    while (!command.empty() && (command.back() == ' ' || command.back() == '\n')) {
      command.pop_back();
    }
    if (!command.empty()) break;
  }
  return printable(command, kLongest);
}

/// Whether the process has given its memory back, as one does that exits, before its files.
bool hasNoMemory(const std::string& pid) {
  std::string pages;
  return readFile("/proc/" + pid + "/statm", pages) != 0 || pages.rfind("0 ", 0) == 0;
}

/// A use of a port by whoever has the inode open.
struct UseOfInode {
  std::uint16_t port;
  PortUser::Use use;
};
using UsesByInode = std::map<unsigned long, std::vector<UseOfInode>>;

PortUser::Use useOf(PortSocket::State state) {
  switch (state) {
    case PortSocket::State::Listening:
      return PortUser::Use::Listens;
    case PortSocket::State::Bound:
      return PortUser::Use::Binds;
    case PortSocket::State::Connected:
      return PortUser::Use::HasConnection;
    case PortSocket::State::Lingering:
      break;
  }
  return PortUser::Use::Lingers;
}

// ---- Leases -------------------------------------------------------------------------------------

/// Adds the leases by abstract names that are in `ports`.
void addNamedLeases(const PortSet& ports, UsesByInode& uses) {
  std::string text;
  readFile("/proc/net/unix", text);
  std::istringstream table(text);
  const auto mark = std::string("@").append(kAbstractNamePrefix);
  for (std::string line; std::getline(table, line);) {
    const auto name = line.find(mark);
    if (name == std::string::npos) continue;
    const auto key = std::strtoull(line.c_str() + name + mark.size(), nullptr, 10);
    if (key == 0 || key > 65535 || !ports.contains(static_cast<std::uint16_t>(key))) continue;
    std::istringstream words(line);
    std::string number, references, protocol, flags, type, state;
    unsigned long inode = 0;
    words >> number >> references >> protocol >> flags >> type >> state >> inode;
    uses[inode].push_back({static_cast<std::uint16_t>(key), PortUser::Use::Leases});
  }
}

/// The ports of `ports` that are leased by locks of the descriptor that `path`, of
/// /proc/<pid>/fdinfo, describes.
PortSet lockedPorts(const std::string& path, const PortSet& ports) {
  PortSet locked;
  std::string text;
  readFile(path, text);
  std::istringstream lines(text);
  // lock:  1: OFDLCK ADVISORY WRITE <pid> <device:inode> <first> <last>
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string label, number, kind, advisory, access, pid, inode;
    std::uint64_t first = 0;
    if (words >> label >> number >> kind >> advisory >> access >> pid >> inode >> first &&
        label == "lock:" && kind == "OFDLCK") {
      const auto key = (first - lockOffset(networkId(), 0)) >> 1;  // huge, in another network
      if (0 < key && key < 65536 && ports.contains(static_cast<std::uint16_t>(key))) {
        locked.insert(static_cast<std::uint16_t>(key));
      }
    }
  }
  return locked;
}

// ---- Processes ----------------------------------------------------------------------------------

/// The inode of the socket that a descriptor refers to by this target, or 0.
unsigned long socketInode(const std::string& target) {
  constexpr std::string_view kPrefix = "socket:[";
  if (target.compare(0, kPrefix.size(), kPrefix) != 0) return 0;
  return std::strtoul(target.c_str() + kPrefix.size(), nullptr, 10);
}

/// Looks for the users of sockets and leases among the processes.
class Search {
 public:
  /// `leased` is empty if leases do not matter.
  Search(UsesByInode uses, PortSet leased) : uses_(std::move(uses)), leased_(std::move(leased)) {
    for (const auto& [inode, use] : uses_) unexplained_.insert(inode);
  }

  std::vector<PortUser> run() {
    // A look at a descriptor keeps its file open for that instant, though the owner closes it, who
    // may then find its own port busy. So this process comes first, only those are looked at who
    // can use the ports, and nobody when all is known.
    const auto self = targetOf("/proc/self");  // not always this process's own number: namespaces
    lookAt(self, true);
    const auto network = targetOf("/proc/self/ns/net");
    for (const auto& pid : namesIn("/proc")) {
      if (unexplained_.empty() && leased_.empty()) break;
      if (pid == self || pid.find_first_not_of("0123456789") != std::string::npos) continue;
      if (targetOf("/proc/" + pid + "/ns/net") == network) lookAt(pid, false);
    }
    for (const auto inode : unexplained_) {
      for (const auto& use : uses_[inode]) {
        found_.push_back(
            {use.port, use.use, "a process that this user may not look at", false, true});
      }
    }
    return std::move(found_);
  }

 private:
  void lookAt(const std::string& pid, bool isThisProcess) {
    constexpr std::string_view kLockFile = "/portpool.lock";
    const auto process = "/proc/" + pid;
    std::string description;
    bool isExiting = false;
    const auto add = [&](const UseOfInode& use) {
      if (description.empty()) {
        isExiting = hasNoMemory(pid);
        description = (isThisProcess ? "this process, pid " : "pid ") + pid + " (" +
                      (isExiting ? "exiting" : commandOf(pid)) + ')';
      }
      found_.push_back({use.port, use.use, description, isThisProcess, isExiting});
    };
    for (const auto& descriptor : namesIn(process + "/fd")) {
      const auto target = targetOf(process + "/fd/" + descriptor);
      if (const auto inode = socketInode(target); inode != 0) {
        if (const auto used = uses_.find(inode); used != uses_.end()) {
          for (const auto& use : used->second) add(use);
          unexplained_.erase(inode);
        }
      } else if (!leased_.empty() && target.size() >= kLockFile.size() &&
                 target.compare(target.size() - kLockFile.size(), kLockFile.size(), kLockFile) ==
                     0) {
        for (const auto port : lockedPorts(process + "/fdinfo/" + descriptor, leased_)) {
          add({port, PortUser::Use::Leases});
        }
      }
    }
  }

  UsesByInode uses_;
  PortSet leased_;
  std::set<unsigned long> unexplained_;
  std::vector<PortUser> found_;
};

}  // namespace

std::optional<std::vector<PortUser>> usersOfPorts(const PortSet& ports, UserSearch search) {
  UsesByInode uses;
  std::vector<PortUser> lingering;
  for (const auto transport : {Transport::TCP, Transport::UDP}) {
    const auto sockets = socketsOn(ports, transport);
    if (!sockets) return std::nullopt;
    for (const auto& socket : *sockets) {
      if (socket.inode != 0) {
        uses[socket.inode].push_back({socket.port, useOf(socket.state)});
      } else if (socket.state == PortSocket::State::Lingering) {
        lingering.push_back({socket.port, PortUser::Use::Lingers, "", false, true});
      }
    }
  }
  const bool withLeases = search == UserSearch::SocketsAndLeases;
  if (withLeases) addNamedLeases(ports, uses);
  if (uses.empty() && !withLeases) return lingering;
  auto users = Search(std::move(uses), withLeases ? ports : PortSet()).run();
  users.insert(users.end(), lingering.begin(), lingering.end());
  return users;
}

}  // namespace portpool::platform
