// Sockets, their addresses and options, and what their errors mean.

#include "posix.hpp"

#include "platform/fork.hpp"
#include "platform/probe.hpp"

#include <portpool/errors.hpp>

#include <netdb.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>
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

PrivateSocket::PrivateSocket(Socket socket)
    : socket_(std::move(socket)), process_(currentProcess()) {
  if (socket_) closeInForkedChildren(socket_.get());
}

int PrivateSocket::get() const noexcept {
  return process_ == currentProcess() ? socket_.get() : -1;
}

void PrivateSocket::close() noexcept {
  Socket socket(socket_.release());
  if (!socket) return;
  const NoFork noFork;
  if (process_ == currentProcess()) {
    keepInForkedChildren(socket.get());
    socket.close();
  } else {
    socket.release();  // closed by the fork
  }
}

// ---- Addresses and options ----------------------------------------------------------------------

namespace {

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

}  // namespace

sockaddr* raw(SocketAddress& address) { return reinterpret_cast<sockaddr*>(address.bytes.data()); }

int familyOf(SocketAddress& address) { return raw(address)->sa_family; }

SocketAddress addressFrom(int family, const void* bytes) {
  in6_addr host{};
  std::memcpy(&host, bytes, family == AF_INET ? sizeof(in_addr) : sizeof host);
  if (family == AF_INET6 && !IN6_IS_ADDR_V4MAPPED(&host)) return ipv6Address(host);
  const auto* const ipv4 = host.s6_addr + (family == AF_INET ? 0 : sizeof host - sizeof(in_addr));
  std::uint32_t address = 0;
  std::memcpy(&address, ipv4, sizeof address);
  return ipv4Address(ntohl(address));
}

SocketAddress everyIPv4Address() { return ipv4Address(INADDR_ANY); }

bool covers(SocketAddress& wide, bool isDualStack, SocketAddress& address) {
  if (wide.size == address.size && wide.bytes == address.bytes) return true;
  return isEveryAddress(wide) &&
         (familyOf(wide) == familyOf(address) || (familyOf(wide) == AF_INET6 && isDualStack));
}

bool meets(SocketAddress& one, bool isDualStack, SocketAddress& other) {
  return covers(one, isDualStack, other) || covers(other, true, one);
}

bool isEveryAddress(SocketAddress& address) {
  if (familyOf(address) == AF_INET) {
    return reinterpret_cast<sockaddr_in*>(address.bytes.data())->sin_addr.s_addr == INADDR_ANY;
  }
  const auto& host = reinterpret_cast<sockaddr_in6*>(address.bytes.data())->sin6_addr;
  return std::memcmp(&host, &in6addr_any, sizeof host) == 0;
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

void setDualStack(const Socket& socket, int domain, bool isDualStack) {
  if (domain != AF_INET6) return;
  // What the system begins with does not change in practice, and this is on every allocation's way.
  // Atomic, as a forked child could wait for ever for another kind of static object.
  constexpr int kUnknown = -1;
  static std::atomic<int> isV6OnlyByDefault{kUnknown};
  if (isV6OnlyByDefault == kUnknown) {
    isV6OnlyByDefault = getOption(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY);
  }
  const int isV6Only = isDualStack ? 0 : 1;
  if (isV6Only != isV6OnlyByDefault) setOption(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, isV6Only);
}

namespace {

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

}  // namespace

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
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, ::freeaddrinfo);
    for (const auto* each = found; each != nullptr; each = each->ai_next) {
      addresses.push_back(copyOf(each->ai_addr, each->ai_addrlen));
    }
  }
  return addresses;
}

void throwNotLocal(const std::string& host, AddressFamily family) {
  const bool isAnyAddress = host.empty() || host == "localhost";
  throw HostError(isAnyAddress ? std::string("this machine has no ") + nameOf(family) +
                                     "; ask for the other AddressFamily, or enable it"
                               : "host \"" + host + "\" is not an " + nameOf(family) +
                                     " address of this machine; name one that is (ip address), "
                                     "\"localhost\", or \"\" for all of its addresses");
}

// ---- Listening ----------------------------------------------------------------------------------

namespace {

/// Whether the hold, which has the port, keeps a socket off this address.
bool isHeldAt(const std::vector<PrivateSocket>& hold, SocketAddress& address) {
  return std::any_of(hold.begin(), hold.end(), [&](const PrivateSocket& held) {
    SocketAddress own;
    auto size = static_cast<socklen_t>(own.bytes.size());
    if (::getsockname(held.get(), raw(own), &size) != 0) throwSystemError("getsockname", errno);
    own.size = size;
    const bool isDualStack =
        familyOf(own) == AF_INET6 && getOption(held.get(), IPPROTO_IPV6, IPV6_V6ONLY) == 0;
    return meets(own, isDualStack, address);
  });
}

}  // namespace

Socket listenOn(std::uint16_t port, const std::string& host, AddressFamily family, int backlog,
                const std::vector<PrivateSocket>& hold) {
  auto address = addressesOf(host, family).front();
  Socket socket(::socket(familyOf(address), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket && errno == EAFNOSUPPORT && family == AddressFamily::Any) {
    return listenOn(port, host, AddressFamily::IPv4, backlog, hold);
  }
  if (!socket && errno == EAFNOSUPPORT) throwNotLocal(host, family);
  if (!socket) throwSystemError("socket", errno);
  setDualStack(socket, familyOf(address), family == AddressFamily::Any);
  setOption(socket.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  setPort(address, port);

  const auto bind = [&] {
    return ::bind(socket.get(), raw(address), static_cast<socklen_t>(address.size)) == 0 ? 0
                                                                                         : errno;
  };
  const auto openHold = [&](int value) {
    for (const auto& held : hold) setOption(held.get(), SOL_SOCKET, SO_REUSEADDR, value);
  };
  // An exclusive hold is opened for the moment that it takes, and only where it is all that is in
  // the way: the system has found nothing wrong with the address then.
  int error = bind();
  const bool isOpened = error == EADDRINUSE && !hold.empty() &&
                        getOption(hold.front().get(), SOL_SOCKET, SO_REUSEADDR) == 0 &&
                        isHeldAt(hold, address);
  if (isOpened) {
    openHold(1);
    error = bind();
  }
  if (error == 0 && ::listen(socket.get(), backlog) != 0) error = errno;
  if (error == 0) {
    if (isOpened) shareHold(hold);
    return socket;
  }
  socket.close();
  if (isOpened) openHold(0);
  if (error == EADDRINUSE) return socket;
  if (error == EADDRNOTAVAIL) throwNotLocal(host, family);
  throwSystemError("listen on port " + std::to_string(port) + " of host \"" + host + '"', error);
}

}  // namespace portpool::platform
