// Sockets and lock files, as POSIX has them.

#include "posix.hpp"

#include "platform.hpp"

#include <portpool/errors.hpp>
#include <portpool/sockets.hpp>

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <mutex>
#include <set>
#include <system_error>
#include <thread>
#include <utility>

namespace portpool::platform {

void throwSystemError(const std::string& call, int error) {
  const auto reason = call + ": " + std::generic_category().message(error);
  if (error == EMFILE) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    throw DescriptorLimitError(
        reason + ": all " + std::to_string(limit.rlim_cur) +
        " file descriptors of this process are in use, and each port that is handed out takes one; "
        "raise the limit (ulimit -n) or return ports earlier");
  }
  if (error == ENFILE) {
    throw DescriptorLimitError(reason +
                               ": the system has no file descriptor left; raise fs.file-max or end "
                               "programs that hold many files");
  }
  throw PortPoolError(reason + "; this is unexpected: look for a sandbox or a limit on sockets");
}

// ---- Sockets ------------------------------------------------------------------------------------

void Socket::close() noexcept {
  const int descriptor = release();
  if (descriptor >= 0) ::close(descriptor);
}

namespace {

sockaddr* raw(SocketAddress& address) { return reinterpret_cast<sockaddr*>(address.bytes.data()); }

int familyOf(SocketAddress& address) { return raw(address)->sa_family; }

SocketAddress copyOf(const void* address, std::size_t size) {
  SocketAddress copy;
  static_assert(sizeof(sockaddr_in6) <= sizeof copy.bytes);
  copy.size = std::min(size, copy.bytes.size());
  std::memcpy(copy.bytes.data(), address, copy.size);
  return copy;
}

SocketAddress ipv4Address(std::uint32_t host) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(host);
  return copyOf(&address, sizeof address);
}

SocketAddress ipv6Address(const in6_addr& host) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = host;
  return copyOf(&address, sizeof address);
}

// The port stands at one place in both families.
static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));

void setPort(SocketAddress& address, std::uint16_t port) {
  reinterpret_cast<sockaddr_in*>(address.bytes.data())->sin_port = htons(port);
}

std::uint16_t portOf(SocketAddress& address) {
  return ntohs(reinterpret_cast<sockaddr_in*>(address.bytes.data())->sin_port);
}

std::uint16_t portOfSocket(int socket) {
  SocketAddress address;
  auto size = static_cast<socklen_t>(address.bytes.size());
  if (::getsockname(socket, raw(address), &size) != 0) throwSystemError("getsockname", errno);
  return portOf(address);
}

void setOption(int socket, int level, int option, int value) {
  if (::setsockopt(socket, level, option, &value, sizeof value) != 0) {
    throwSystemError("setsockopt", errno);
  }
}

int getOption(int socket, int level, int option) {
  int value = 0;
  socklen_t size = sizeof value;
  if (::getsockopt(socket, level, option, &value, &size) != 0)
    throwSystemError("getsockopt", errno);
  return value;
}

/// Makes an IPv6 socket serve both families, or its own only.
void setDualStack(const Socket& socket, int domain, bool isDualStack) {
  if (domain != AF_INET6) return;
  // What the system begins with does not change in practice, and this is on every allocation's way.
  static const bool isDualStackByDefault = getOption(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY) == 0;
  if (isDualStack != isDualStackByDefault) {
    setOption(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, isDualStack ? 0 : 1);
  }
}

const char* nameOf(AddressFamily family) {
  switch (family) {
    case AddressFamily::IPv4:
      return "IPv4";
    case AddressFamily::IPv6:
      return "IPv6";
    case AddressFamily::Any:
      break;
  }
  return "IPv4 or IPv6";
}

/// The addresses of `host`, of the families asked for. Throws HostError if there are none.
std::vector<SocketAddress> addressesOf(const std::string& host, AddressFamily family) {
  std::vector<SocketAddress> addresses;
  const bool isLocalhost = host == "localhost";
  if (host.empty() && family == AddressFamily::Any) {
    addresses.push_back(ipv6Address(in6addr_any));  // bound dual-stack: every address of both
  } else if (host.empty() || isLocalhost) {
    if (family != AddressFamily::IPv6) {
      addresses.push_back(ipv4Address(isLocalhost ? INADDR_LOOPBACK : INADDR_ANY));
    }
    if (family != AddressFamily::IPv4) {
      addresses.push_back(ipv6Address(isLocalhost ? in6addr_loopback : in6addr_any));
    }
  } else {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_family = family == AddressFamily::Any    ? AF_UNSPEC
                      : family == AddressFamily::IPv4 ? AF_INET
                                                      : AF_INET6;
    addrinfo* found = nullptr;
    const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
    if (error != 0) {
      if (error == EAI_SYSTEM) throwSystemError("getaddrinfo for \"" + host + '"', errno);
      throw HostError("host \"" + host + "\" has no " + nameOf(family) + " address (" +
                      ::gai_strerror(error) +
                      "); name an address of this machine, \"localhost\", or \"\" for all of its "
                      "addresses");
    }
    for (const auto* each = found; each != nullptr; each = each->ai_next) {
      addresses.push_back(copyOf(each->ai_addr, each->ai_addrlen));
    }
    ::freeaddrinfo(found);
  }
  return addresses;
}

[[noreturn]] void throwNotLocal(const std::string& host, AddressFamily family) {
  const bool isAnyAddress = host.empty() || host == "localhost";
  throw HostError(isAnyAddress ? std::string("this machine has no ") + nameOf(family) +
                                     "; ask for the other AddressFamily, or enable it"
                               : "host \"" + host + "\" is not an " + nameOf(family) +
                                     " address of this machine; name one that is (ip address), "
                                     "\"localhost\", or \"\" for all of its addresses");
}

}  // namespace

// ---- Probes -------------------------------------------------------------------------------------

namespace {

bool isEveryAddress(SocketAddress& address) {
  if (familyOf(address) == AF_INET) {
    return reinterpret_cast<sockaddr_in*>(address.bytes.data())->sin_addr.s_addr == INADDR_ANY;
  }
  const auto& host = reinterpret_cast<sockaddr_in6*>(address.bytes.data())->sin6_addr;
  return std::memcmp(&host, &in6addr_any, sizeof host) == 0;
}

}  // namespace

Probe::Probe(const PortRequest& request) {
  const auto& hosts = request.hosts;
  if (hosts.empty()) {
    throw HostError(
        "the request names no host; name an address of this machine, \"localhost\", or \"\" for "
        "all of its addresses");
  }
  const bool everyAddress = std::find(hosts.begin(), hosts.end(), "") != hosts.end();
  for (const auto& host : hosts) {
    if (everyAddress && host == "localhost") continue;  // covered by the probe of every address
    for (const auto& address : addressesOf(host, request.family)) {
      for (const auto type : {SOCK_STREAM, SOCK_DGRAM}) {
        const auto other = type == SOCK_STREAM ? Transport::UDP : Transport::TCP;
        if (request.transport == other) continue;
        targets_.push_back({host, address, type, request.family == AddressFamily::Any, Socket()});
      }
    }
  }
  // A hold of every address comes first: it covers the others.
  std::stable_partition(targets_.begin(), targets_.end(),
                        [](Target& target) { return isEveryAddress(target.address); });
}

bool Probe::isFree(std::uint16_t port, Mode mode) {
  for (std::size_t i = 0; i < targets_.size();) {
    const auto result = bind(targets_[i], port, mode);
    if (result == Result::Busy) return false;
    if (result == Result::NoSuchAddress) {
      drop(i);
    } else {
      targets_[i++].socket.close();
    }
  }
  return true;
}

std::vector<Socket> Probe::hold(std::uint16_t port, Hold hold, Mode mode) {
  std::vector<Socket> sockets;
  if (targets_.size() > 1 && !isFree(port, mode)) return sockets;
  for (std::size_t i = 0; i < targets_.size();) {
    auto& target = targets_[i];
    if (target.type != SOCK_STREAM) {
      ++i;
      continue;
    }
    const auto result = bind(target, port, mode);
    if (result == Result::NoSuchAddress) {
      drop(i);
      continue;
    }
    // Busy, though it was free: covered by a hold of ours.
    if (result == Result::Bound) {
      sockets.push_back(std::move(target.socket));
    } else if (sockets.empty()) {
      return sockets;
    }
    ++i;
  }
  if (hold == Hold::Shared) shareHold(sockets);
  return sockets;
}

/// A name may have addresses that are not up; the host is wrong when all are.
void Probe::drop(std::size_t target) {
  const auto missing = std::move(targets_[target]);
  targets_.erase(targets_.begin() + static_cast<std::ptrdiff_t>(target));
  const bool othersLeft = std::any_of(targets_.begin(), targets_.end(), [&](const Target& other) {
    return other.host == missing.host;
  });
  if (othersLeft) return;
  const auto family =
      missing.address.size == sizeof(sockaddr_in6) ? AddressFamily::IPv6 : AddressFamily::IPv4;
  throwNotLocal(missing.host, missing.dualStack ? AddressFamily::Any : family);
}

Probe::Result Probe::bind(Target& target, std::uint16_t port, Mode mode) {
  // Only TCP has TIME_WAIT; on UDP, SO_REUSEADDR would see past other programs' sockets.
  const bool besidesTimeWait = mode == Mode::BesidesTimeWait && target.type == SOCK_STREAM;
  if (besidesTimeWait) target.socket.close();  // the kept one lacks SO_REUSEADDR
  if (!target.socket) {
    Socket socket(::socket(familyOf(target.address), target.type | SOCK_CLOEXEC, 0));
    if (!socket) {
      if (errno != EAFNOSUPPORT) throwSystemError("socket", errno);
      if (!target.host.empty() || !target.dualStack) return Result::NoSuchAddress;
      target.address = ipv4Address(INADDR_ANY);  // a kernel without IPv6
      target.dualStack = false;
      return bind(target, port, mode);
    }
    setDualStack(socket, familyOf(target.address), target.dualStack);
    if (besidesTimeWait) setOption(socket.get(), SOL_SOCKET, SO_REUSEADDR, 1);
    target.socket = std::move(socket);
  }
  setPort(target.address, port);
  if (::bind(target.socket.get(), raw(target.address),
             static_cast<socklen_t>(target.address.size)) == 0) {
    return Result::Bound;
  }
  const int error = errno;
  if (besidesTimeWait) target.socket.close();
  switch (error) {
    case EADDRINUSE:
    case EACCES:
    case EPERM:
      return Result::Busy;
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
    case EINVAL:  // a link-local address without its interface
      return Result::NoSuchAddress;
    default:
      throwSystemError("bind to port " + std::to_string(port) + " of host \"" + target.host + '"',
                       error);
  }
}

void shareHold(const std::vector<Socket>& sockets) {
  for (const auto& socket : sockets) {
    setOption(socket.get(), SOL_SOCKET, SO_REUSEADDR, 1);
    setOption(socket.get(), SOL_SOCKET, SO_REUSEPORT, 1);
  }
}

int listenOn(std::uint16_t port, const std::string& host, AddressFamily family, int backlog) {
  const auto where = "port " + std::to_string(port) + " of host \"" + host + '"';
  auto address = addressesOf(host, family).front();
  Socket socket(::socket(familyOf(address), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket && errno == EAFNOSUPPORT && family == AddressFamily::Any) {
    return listenOn(port, host, AddressFamily::IPv4, backlog);
  }
  if (!socket && errno == EAFNOSUPPORT) throwNotLocal(host, family);
  if (!socket) throwSystemError("socket", errno);
  setDualStack(socket, familyOf(address), family == AddressFamily::Any);
  setOption(socket.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  setPort(address, port);
  if (::bind(socket.get(), raw(address), static_cast<socklen_t>(address.size)) != 0 ||
      ::listen(socket.get(), backlog) != 0) {
    if (errno == EADDRNOTAVAIL) throwNotLocal(host, family);
    if (errno == EADDRINUSE) {
      throw PortPoolError("another program took " + where +
                          " since it was handed out; ask for Hold::Shared, which keeps it bound");
    }
    throwSystemError("listen on " + where, errno);
  }
  return socket.release();
}

// ---- The lock file ------------------------------------------------------------------------------

namespace {

/// An open lock file. Its locks belong to the open file description, which a forked child shares:
/// the child must not end them, nor take its own through it. They do not exclude each other:
/// `keys_` does.
class LockFile {
 public:
  LockFile(int descriptor, pid_t pid) : descriptor_(descriptor), pid_(pid) {}
  LockFile(const LockFile&) = delete;
  LockFile& operator=(const LockFile&) = delete;
  ~LockFile() { ::close(descriptor_); }

  bool isOfThisProcess() const { return pid_ == ::getpid(); }

  /// Returns 0 or the error: EAGAIN if the key is locked.
  int lock(std::uint64_t key) {
    const std::lock_guard<std::mutex> guard(mutex_);
    const auto [place, isNew] = keys_.insert(key);
    if (!isNew) return EAGAIN;
    const int error = setLock(F_WRLCK, key);
    if (error != 0) keys_.erase(place);
    return error == EACCES ? EAGAIN : error;
  }

  void unlock(std::uint64_t key) {
    const std::lock_guard<std::mutex> guard(mutex_);
    setLock(F_UNLCK, key);
    keys_.erase(key);
  }

 private:
  int setLock(short type, std::uint64_t key) const {
    struct flock lock {};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    lock.l_start = static_cast<off_t>(lockOffset(network_, key));
    lock.l_len = 1;
    return ::fcntl(descriptor_, F_OFD_SETLK, &lock) == 0 ? 0 : errno;
  }

  int descriptor_;
  pid_t pid_;
  std::uint64_t network_ = networkId();
  std::mutex mutex_;
  std::set<std::uint64_t> keys_;  // the locked ones
};

class LockFileLease final : public Lease {
 public:
  LockFileLease(std::shared_ptr<LockFile> file, std::uint64_t key)
      : file_(std::move(file)), key_(key) {}
  LockFileLease(const LockFileLease&) = delete;
  LockFileLease& operator=(const LockFileLease&) = delete;
  ~LockFileLease() override {
    if (file_->isOfThisProcess()) file_->unlock(key_);
  }

 private:
  std::shared_ptr<LockFile> file_;
  std::uint64_t key_;
};

std::shared_ptr<LockFile> openLockFile(const std::string& path) {
  constexpr int kFlags = O_RDWR | O_CLOEXEC | O_NOFOLLOW;
  // Without O_CREAT first: in a sticky directory the system refuses that for another user's file.
  int descriptor = ::open(path.c_str(), kFlags);
  if (descriptor < 0 && errno == ENOENT) {
    constexpr mode_t kEveryUser = S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH;
    descriptor = ::open(path.c_str(), kFlags | O_CREAT | O_EXCL, kEveryUser);
    if (descriptor >= 0) ::fchmod(descriptor, kEveryUser);  // whatever the umask
    if (descriptor < 0 && errno == EEXIST) descriptor = ::open(path.c_str(), kFlags);
  }
  if (descriptor < 0) {
    const int error = errno;
    if (error == EMFILE || error == ENFILE) throwSystemError("open " + path, error);
    throw PortPoolError("cannot open the lock file " + path + " (" +
                        std::generic_category().message(error) +
                        "); make it a file that every user can write, or remove it");
  }
  auto file = std::make_shared<LockFile>(descriptor, ::getpid());
  struct stat status {};
  if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
    throw PortPoolError("the lock file " + path + " is not a regular file; remove it");
  }
  return file;
}

class LockFileRegistry final : public LeaseRegistry {
 public:
  explicit LockFileRegistry(std::string path)
      : path_(std::move(path)), file_(openLockFile(path_)) {}

  std::unique_ptr<Lease> tryAcquire(std::uint64_t key) override {
    auto file = ownFile();
    const int error = file->lock(key);
    if (error == EAGAIN) return nullptr;
    if (error != 0) throwSystemError("fcntl on the lock file " + path_, error);
    return std::make_unique<LockFileLease>(std::move(file), key);
  }

 private:
  std::shared_ptr<LockFile> ownFile() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!file_->isOfThisProcess()) file_ = openLockFile(path_);
    return file_;
  }

  std::string path_;
  std::mutex mutex_;
  std::shared_ptr<LockFile> file_;
};

}  // namespace

std::unique_ptr<LeaseRegistry> makeLockFileRegistry(const std::string& path) {
  return std::make_unique<LockFileRegistry>(path);
}

}  // namespace portpool::platform

// ---- Public functions on sockets ----------------------------------------------------------------

namespace portpool {

std::uint16_t bindPort(NativeSocket socket, const std::string& host) {
  using namespace platform;
  if (getOption(socket, SOL_SOCKET, SO_TYPE) == SOCK_STREAM) {
    for (const auto& [option, name] :
         {std::pair{SO_REUSEADDR, "SO_REUSEADDR"}, std::pair{SO_REUSEPORT, "SO_REUSEPORT"}}) {
      if (getOption(socket, SOL_SOCKET, option) != 0) {
        throw PortPoolError(std::string("bindPort: the TCP socket has ") + name +
                            " set, so that another program can bind its port too; do not set it");
      }
    }
  }
  const int domain = getOption(socket, SOL_SOCKET, SO_DOMAIN);
  const auto family = domain == AF_INET ? AddressFamily::IPv4 : AddressFamily::IPv6;
  auto address = addressesOf(host, family).front();
  setPort(address, 0);
  if (::bind(socket, raw(address), static_cast<socklen_t>(address.size)) != 0) {
    if (errno == EADDRNOTAVAIL) throwNotLocal(host, family);
    throwSystemError("bindPort: bind to host \"" + host + '"', errno);
  }
  return portOfSocket(socket);
}

std::uint16_t findUnusedPort(AddressFamily family, SocketType type) {
  using namespace platform;
  const int domain = family == AddressFamily::IPv4 ? AF_INET : AF_INET6;
  const int socketType = type == SocketType::Stream ? SOCK_STREAM : SOCK_DGRAM;
  Socket socket(::socket(domain, socketType | SOCK_CLOEXEC, 0));
  if (!socket && errno == EAFNOSUPPORT) {
    if (family == AddressFamily::Any) return findUnusedPort(AddressFamily::IPv4, type);
    throwNotLocal("", family);
  }
  if (!socket) throwSystemError("socket", errno);
  setDualStack(socket, domain, family == AddressFamily::Any);
  if (family == AddressFamily::Any) return bindPort(socket.get(), "");
  return bindPort(socket.get(), family == AddressFamily::IPv4 ? kHost : kHostV6);
}

ListeningSocket& ListeningSocket::operator=(ListeningSocket&& other) noexcept {
  const NativeSocket socket = other.release();  // first, should it be this object's own
  close();
  socket_ = socket;
  return *this;
}

std::uint16_t ListeningSocket::port() const {
  if (socket_ < 0) {
    throw PortPoolError(
        "a ListeningSocket that is closed or released has no port; ask for it before");
  }
  return platform::portOfSocket(socket_);
}

void ListeningSocket::close() noexcept {
  const NativeSocket socket = release();
  if (socket >= 0) ::close(socket);
}

namespace {

/// Whether a connection to the address succeeds before `deadline`.
bool canConnect(platform::SocketAddress& address, std::chrono::steady_clock::time_point deadline) {
  using namespace platform;
  const Socket socket(::socket(familyOf(address), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) {
    if (errno == EAFNOSUPPORT) return false;
    throwSystemError("socket", errno);
  }
  if (::connect(socket.get(), raw(address), static_cast<socklen_t>(address.size)) != 0) {
    if (errno != EINPROGRESS) return false;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd writable{socket.get(), POLLOUT, 0};
    if (::poll(&writable, 1, std::max(0, static_cast<int>(left.count()))) != 1) return false;
    if (getOption(socket.get(), SOL_SOCKET, SO_ERROR) != 0) return false;
  }
  // A connection to an ephemeral port can meet itself.
  return portOfSocket(socket.get()) != portOf(address);
}

/// Whether the process has exited, reaped or not.
bool isDead(pid_t pid) {
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0) {
    return info.si_pid == pid;
  }
  return ::kill(pid, 0) != 0 && errno == ESRCH;  // nobody's child, or another's
}

}  // namespace

void waitUntilListening(std::uint16_t port, const std::string& host,
                        std::chrono::milliseconds timeout, int childPid) {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::milliseconds kLongestPause{20};
  constexpr std::chrono::milliseconds kLongestWait = std::chrono::hours(24);  // that poll can take
  const auto start = Clock::now();
  const auto deadline =
      start + std::clamp(timeout, std::chrono::milliseconds::zero(), kLongestWait);
  auto addresses = platform::addressesOf(host.empty() ? "localhost" : host, AddressFamily::Any);
  for (auto& address : addresses) platform::setPort(address, port);
  std::chrono::milliseconds pause{1};
  for (;;) {
    // Before the connection is tried: a server that is dead now does not answer any more.
    const bool died = childPid > 0 && isDead(childPid);
    for (auto& address : addresses) {
      if (canConnect(address, deadline)) return;
    }
    const auto now = Clock::now();
    if (died || now >= deadline) {
      const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(now - start);
      throw NotListeningError(
          "nothing listens on port " + std::to_string(port) + " of host \"" + host + "\" after " +
          std::to_string(elapsed.count()) + " ms" +
          (died ? ": the server, pid " + std::to_string(childPid) + ", has exited; see its output"
                : "; see whether the server started, on this port and host, or wait longer"));
    }
    std::this_thread::sleep_for(std::min<Clock::duration>(pause, deadline - now));
    pause = std::min(pause * 2, kLongestPause);
  }
}

}  // namespace portpool
