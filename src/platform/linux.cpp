// Abstract socket names, /proc, and namespaces.

#include "platform.hpp"
#include "posix.hpp"

#include <portpool/errors.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <initializer_list>
#include <limits>
#include <sstream>
#include <system_error>
#include <unordered_map>
#include <utility>

namespace portpool::platform {
namespace {

// ---- Leases -------------------------------------------------------------------------------------

/// What the symbolic link names (its beginning, if it is long), or "" if it cannot be read.
std::string targetOf(const std::string& link) {
  std::array<char, 64> target{};
  const auto length = ::readlink(link.c_str(), target.data(), target.size());
  return length > 0 ? std::string(target.data(), static_cast<std::size_t>(length)) : "";
}

constexpr const char* kLockFile = "/tmp/portpool.lock";
constexpr const char* kNamePrefix = "portpool/";

class AbstractNameLease final : public Lease {
 public:
  explicit AbstractNameLease(Socket socket) : socket_(std::move(socket)) {}

 private:
  Socket socket_;
};

Socket openLeaseSocket() { return Socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)); }

/// Binds the abstract name; returns 0 or the error.
int bindName(const Socket& socket, const std::string& name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;  // and a NUL before the name, which makes it abstract
  const auto length = std::min(name.size(), sizeof address.sun_path - 1);
  std::memcpy(address.sun_path + 1, name.data(), length);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + length);
  return ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0 ? 0 : errno;
}

class AbstractNameRegistry final : public LeaseRegistry {
 public:
  std::unique_ptr<Lease> tryAcquire(std::uint64_t key) override {
    auto socket = openLeaseSocket();
    if (!socket) throwSystemError("socket for a lease", errno);
    const int error = bindName(socket, kNamePrefix + std::to_string(key));
    if (error == EADDRINUSE) return nullptr;
    if (error != 0) throwSystemError("bind for a lease", error);
    return std::make_unique<AbstractNameLease>(std::move(socket));
  }
};

}  // namespace

std::unique_ptr<LeaseRegistry> makeAbstractNameRegistry() {
  const auto socket = openLeaseSocket();
  if (!socket) {
    if (errno == EMFILE || errno == ENFILE) throwSystemError("socket for a lease", errno);
    return nullptr;
  }
  const int error = bindName(socket, std::string(kNamePrefix) + "trial");
  if (error != 0 && error != EADDRINUSE) return nullptr;
  return std::make_unique<AbstractNameRegistry>();
}

std::uint64_t networkId() {
  // "net:[4026531840]"
  const auto name = targetOf("/proc/self/ns/net");
  return std::strtoul(name.c_str() + std::min(name.size(), std::size_t{5}), nullptr, 10);
}

std::unique_ptr<LeaseRegistry> makeLeaseRegistry() {
  if (auto registry = makeAbstractNameRegistry()) return registry;
  return makeLockFileRegistry(kLockFile);
}

// ---- Ephemeral ports ----------------------------------------------------------------------------

std::string ephemeralRangeFile() { return "/proc/sys/net/ipv4/ip_local_port_range"; }

std::optional<PortRange> readEphemeralRange(const std::string& path) {
  constexpr const char* kRemedy =
      "; set PORTPOOL_PORTS to the ports that tests may use, like 20000-29999";
  errno = 0;
  std::ifstream file(path);
  if (!file) {
    if (errno == ENOENT) return std::nullopt;
    if (errno == EMFILE || errno == ENFILE) throwSystemError("open " + path, errno);
    throw PortRangeUnknownError("cannot open " + path + " (" +
                                std::generic_category().message(errno) + ")" + kRemedy);
  }
  std::string line;
  if (!std::getline(file, line)) {
    throw PortRangeUnknownError("cannot read the range of ephemeral ports from " + path + kRemedy);
  }
  std::istringstream words(line);
  int first = 0;
  int last = 0;
  std::string more;
  if (!(words >> first >> last) || words >> more || first < 1 || last < first || 65535 < last) {
    throw PortRangeUnknownError(path + " holds \"" + line.substr(0, 40) +
                                "\", not the first and the last ephemeral port" + kRemedy);
  }
  return PortRange{static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(last)};
}

// ---- /proc/net ----------------------------------------------------------------------------------

namespace {

/// One line of /proc/net/tcp, tcp6, udp or udp6.
struct InetSocket {
  std::uint16_t port;
  unsigned state;
  unsigned long timer;  // the time until the timer fires, in clock ticks
  unsigned long inode;
};

constexpr unsigned kTimeWait = 6;  // TCP_TIME_WAIT of the kernel's tcp_states.h

std::vector<InetSocket> inetSockets(std::initializer_list<const char*> tables) {
  std::vector<InetSocket> sockets;
  for (const char* table : tables) {
    std::ifstream file(std::string("/proc/net/") + table);
    std::string line;
    std::getline(file, line);  // the heading
    while (std::getline(file, line)) {
      // sl local_address:port remote_address:port st tx:rx timer:when retransmits uid timeout inode
      std::istringstream words(line);
      std::string slot, local, remote, state, queues, timer, retransmits, uid, timeout, inode;
      if (!(words >> slot >> local >> remote >> state >> queues >> timer >> retransmits >> uid >>
            timeout >> inode)) {
        continue;
      }
      const auto hex = [](const std::string& text, std::size_t from) {
        return std::strtoul(text.c_str() + from, nullptr, 16);
      };
      sockets.push_back({static_cast<std::uint16_t>(hex(local, local.find(':') + 1)),
                         static_cast<unsigned>(hex(state, 0)), hex(timer, timer.find(':') + 1),
                         std::strtoul(inode.c_str(), nullptr, 10)});
    }
  }
  return sockets;
}

}  // namespace

std::vector<std::uint16_t> portsInTimeWait() {
  // A port is as old as its youngest connection, the one that stays the longest.
  constexpr auto kUsedOtherwise = std::numeric_limits<unsigned long>::max();
  std::map<std::uint16_t, unsigned long> longest;
  for (const auto& socket : inetSockets({"tcp", "tcp6"})) {
    auto& time = longest[socket.port];
    time = socket.state == kTimeWait ? std::max(time, socket.timer) : kUsedOtherwise;
  }
  std::vector<std::pair<unsigned long, std::uint16_t>> byAge;
  for (const auto& [port, time] : longest) {
    if (time != kUsedOtherwise) byAge.emplace_back(time, port);
  }
  std::sort(byAge.begin(), byAge.end());
  std::vector<std::uint16_t> ports;
  ports.reserve(byAge.size());
  for (const auto& [time, port] : byAge) ports.push_back(port);
  return ports;
}

bool hasOnlyClosingConnections(std::uint16_t port) {
  bool hasAny = false;
  for (const auto& socket : inetSockets({"tcp", "tcp6"})) {
    if (socket.port != port) continue;
    if (socket.inode != 0) return false;
    hasAny = true;
  }
  return hasAny;
}

// ---- Users of ports -----------------------------------------------------------------------------

namespace {

using PortsByInode = std::unordered_map<unsigned long, PortSet>;

/// Adds the leases by abstract names that are in `ports`.
void addLeases(const PortSet& ports, PortsByInode& found) {
  std::ifstream file("/proc/net/unix");
  const auto mark = std::string("@") + kNamePrefix;
  std::string line;
  while (std::getline(file, line)) {
    const auto name = line.find(mark);
    if (name == std::string::npos) continue;
    const auto key = std::strtoull(line.c_str() + name + mark.size(), nullptr, 10);
    std::istringstream words(line);
    std::string number, references, protocol, flags, type, state;
    unsigned long inode = 0;
    words >> number >> references >> protocol >> flags >> type >> state >> inode;
    if (key < 65536 && ports.contains(static_cast<std::uint16_t>(key))) {
      found[inode].insert(static_cast<std::uint16_t>(key));
    }
  }
}

std::string commandOf(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/cmdline");
  std::string command;
  std::getline(file, command);
  std::replace(command.begin(), command.end(), '\0', ' ');
  while (!command.empty() && command.back() == ' ') command.pop_back();
  constexpr std::size_t kLongest = 80;
  return command.size() > kLongest ? command.substr(0, kLongest) + "..." : command;
}

/// The names in the folder, or none if it cannot be read.
std::vector<std::string> namesIn(const std::string& folder) {
  std::vector<std::string> names;
  if (DIR* stream = ::opendir(folder.c_str())) {
    while (const auto* entry = ::readdir(stream)) names.emplace_back(entry->d_name);
    ::closedir(stream);
  }
  return names;
}

/// The inode of the socket that a descriptor refers to by this target, or 0.
unsigned long socketInode(const std::string& target) {
  constexpr std::string_view kPrefix = "socket:[";
  if (target.compare(0, kPrefix.size(), kPrefix) != 0) return 0;
  return std::strtoul(target.c_str() + kPrefix.size(), nullptr, 10);
}

/// The leases that are locks of the descriptor that `path`, of /proc/<pid>/fdinfo, describes.
PortSet lockedPorts(const std::string& path) {
  PortSet ports;
  std::ifstream file(path);
  std::string word;
  // lock:  1: OFDLCK ADVISORY WRITE <pid> <device:inode> <first> <last>
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string label, number, kind, advisory, access, pid, inode;
    std::uint64_t first = 0;
    if (words >> label >> number >> kind >> advisory >> access >> pid >> inode >> first &&
        label == "lock:" && kind == "OFDLCK") {
      const auto port = first - lockOffset(networkId(), 0);  // huge, in another network
      if (0 < port && port < 65536) ports.insert(static_cast<std::uint16_t>(port));
    }
  }
  return ports;
}

/// The ports of the sockets in `byInode`, and of the leases in `leased`, that a process has open.
PortSet portsOf(const std::string& process, const PortsByInode& byInode, const PortSet& leased) {
  PortSet used;
  const auto descriptors = process + "/fd/";
  const auto details = process + "/fdinfo/";
  for (const auto& descriptor : namesIn(descriptors)) {
    const auto target = targetOf(descriptors + descriptor);
    if (const auto inode = socketInode(target); inode != 0) {
      if (const auto found = byInode.find(inode); found != byInode.end()) used |= found->second;
    } else if (target == kLockFile) {
      used |= lockedPorts(details + descriptor) & leased;
    }
  }
  return used;
}

}  // namespace

std::map<std::string, PortSet> usersOfPorts(const PortSet& ports, PortUse use) {
  std::map<std::string, PortSet> users;
  PortsByInode byInode;
  PortSet leased;
  if (use == PortUse::SocketsAndLeases) {
    leased = ports;
    addLeases(ports, byInode);
  }
  for (const auto& socket : inetSockets({"tcp", "tcp6", "udp", "udp6"})) {
    if (!ports.contains(socket.port)) continue;
    if (socket.inode != 0) {
      byInode[socket.inode].insert(socket.port);
    } else if (socket.state == kTimeWait) {
      users["connections in TIME_WAIT"].insert(socket.port);
    }
  }
  if (byInode.empty() && leased.empty()) return users;

  // A look at a descriptor keeps its file open for that instant, though the owner closes it: he may
  // find his own port busy. So only those are looked at who can use the ports.
  const auto network = targetOf("/proc/self/ns/net");
  const auto self = std::to_string(::getpid());
  PortSet explained;
  for (const auto& pid : namesIn("/proc")) {
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    const auto process = "/proc/" + pid;
    if (targetOf(process + "/ns/net") != network) continue;
    const auto used = portsOf(process, byInode, leased);
    if (used.empty()) continue;
    users[(pid == self ? "this process, pid " : "pid ") + pid + " (" + commandOf(pid) + ")"] |=
        used;
    explained |= used;
  }

  PortSet hidden;
  for (const auto& [inode, set] : byInode) hidden |= set;
  hidden -= explained;
  if (!hidden.empty()) users["a process that this user may not look at"] |= hidden;
  return users;
}

// ---- Isolation ----------------------------------------------------------------------------------

namespace {

[[noreturn]] void throwRefused(const std::string& step, int error) {
  throw IsolationError(
      "cannot isolate this process: " + step + ": " + std::generic_category().message(error) +
      (error == EINVAL
           ? "; isolate before the first thread starts"
           : "; allow unprivileged user namespaces (sysctl user.max_user_namespaces, "
             "kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns; in a "
             "container, its seccomp profile)") +
      "; or set PORTPOOL_ISOLATE=try to go on without, or unset it");
}

void writeFile(const std::string& path, const std::string& text) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (file < 0) throwRefused("open " + path, errno);
  const auto written = ::write(file, text.data(), text.size());
  const int error = errno;
  ::close(file);
  if (written < 0) throwRefused("write " + path, error);
}

}  // namespace

void isolate() {
  const auto user = std::to_string(::geteuid());
  const auto group = std::to_string(::getegid());
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) throwRefused("unshare", errno);
  writeFile("/proc/self/setgroups", "deny");  // without it an ordinary user may not map a group
  writeFile("/proc/self/uid_map", user + ' ' + user + " 1");
  writeFile("/proc/self/gid_map", group + ' ' + group + " 1");

  const Socket socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) throwRefused("socket", errno);
  ifreq loopback{};
  loopback.ifr_name[0] = 'l';
  loopback.ifr_name[1] = 'o';
  if (::ioctl(socket.get(), SIOCGIFFLAGS, &loopback) != 0) throwRefused("SIOCGIFFLAGS", errno);
  loopback.ifr_flags = static_cast<short>(loopback.ifr_flags | IFF_UP);
  if (::ioctl(socket.get(), SIOCSIFFLAGS, &loopback) != 0) throwRefused("SIOCSIFFLAGS", errno);
}

}  // namespace portpool::platform
