#include "platform/probe.hpp"

#include "posix.hpp"

#include "platform/fork.hpp"

#include <portpool/errors.hpp>

#include <netinet/in.h>
#include <sys/socket.h>
#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#endif

#include <algorithm>
#include <cerrno>
#include <utility>

namespace portpool::platform {
namespace {

/// Whether another thread may be starting a process just now.
bool mayHaveThreads() {
#if __has_include(<sys/single_threaded.h>)
  return __libc_single_threaded == 0;
#else
  return true;
#endif
}

/// The widest addresses come first, so that they cover the others.
int narrowness(SocketAddress& address) {
  if (!isEveryAddress(address)) return 2;
  return familyOf(address) == AF_INET6 ? 0 : 1;
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
    if (everyAddress && host == "localhost") continue;  // on every machine, and covered
    for (const auto& address : addressesOf(host, request.family)) {
      for (const auto type : {SOCK_STREAM, SOCK_DGRAM}) {
        const auto other = type == SOCK_STREAM ? Transport::UDP : Transport::TCP;
        if (request.transport == other) continue;
        targets_.push_back({host, address, type, request.family == AddressFamily::Any});
      }
    }
  }
  if (targets_.size() == 1) return;
  std::stable_sort(targets_.begin(), targets_.end(), [](const Target& a, const Target& b) {
    auto first = a.address, second = b.address;
    return narrowness(first) < narrowness(second);
  });
  for (auto target = targets_.begin(); target != targets_.end(); ++target) {
    target->isCovered = std::any_of(targets_.begin(), target, [&](Target& wide) {
      return wide.type == target->type && covers(wide.address, wide.dualStack, target->address);
    });
  }
}

template <class Use>
Probe::Result Probe::bindEach(std::uint16_t port, Mode mode, const Use& use) {
  for (std::size_t i = 0; i < targets_.size();) {
    auto& target = targets_[i];
    if (target.isCovered && target.exists) {
      ++i;
      continue;
    }
    switch (bind(target, target.isCovered ? 0 : port, mode)) {
      case Bind::Busy:
        return Result::Busy;
      case Bind::Forbidden:
        return Result::Forbidden;
      case Bind::NoSuchAddress:
        drop(i);
        continue;
      case Bind::Done:
        break;
    }
    target.exists = true;
    if (target.isCovered) {
      target.socket.close();
    } else {
      use(target);
    }
    ++i;
  }
  return Result::Free;
}

Probe::Result Probe::isFree(std::uint16_t port, Mode mode) {
  const NoFork noFork;
  return bindEach(port, mode, [](Target& target) {
    if (target.type == SOCK_STREAM && mayHaveThreads()) {
      // A child that another thread starts has a copy until it execs. With this flag, a server that
      // sets it too can bind beside that.
      setOption(target.socket.get(), SOL_SOCKET, SO_REUSEADDR, 1);
    }
    target.socket.close();
  });
}

Probe::Result Probe::hold(std::uint16_t port, Hold hold, Mode mode,
                          std::vector<PrivateSocket>& sockets) {
  const NoFork noFork;
  std::vector<PrivateSocket> bound;
  const auto result = bindEach(port, mode, [&](Target& target) {
    if (target.type == SOCK_STREAM) {
      bound.emplace_back(std::move(target.socket));
    } else {
      target.socket.close();
    }
  });
  if (result != Result::Free) return result;
  if (hold == Hold::Shared) shareHold(bound);
  sockets = std::move(bound);
  return result;
}

bool Probe::concerns(SocketAddress address) const {
  setPort(address, 0);
  return std::any_of(targets_.begin(), targets_.end(), [&](const Target& target) {
    auto own = target.address;
    setPort(own, 0);
    return meets(own, target.dualStack, address);
  });
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

Probe::Bind Probe::bind(Target& target, std::uint16_t port, Mode mode) {
  // Only TCP has connections that linger; on UDP, SO_REUSEADDR would see past other programs'
  // sockets.
  const bool reuse = mode == Mode::BesidesLingering && target.type == SOCK_STREAM;
  if (reuse) target.socket.close();  // the kept one lacks the flag
  if (!target.socket) {
    Socket socket(::socket(familyOf(target.address), target.type | SOCK_CLOEXEC, 0));
    if (!socket) {
      if (errno != EAFNOSUPPORT) throwSystemError("socket", errno);
      if (!target.host.empty() || !target.dualStack) return Bind::NoSuchAddress;
      target.address = everyIPv4Address();  // a kernel without IPv6
      target.dualStack = false;
      return bind(target, port, mode);
    }
    setDualStack(socket, familyOf(target.address), target.dualStack);
    if (reuse) setOption(socket.get(), SOL_SOCKET, SO_REUSEADDR, 1);
    target.socket = std::move(socket);
  }
  setPort(target.address, port);
  if (::bind(target.socket.get(), raw(target.address),
             static_cast<socklen_t>(target.address.size)) == 0) {
    return Bind::Done;
  }
  const int error = errno;
  if (reuse) target.socket.close();
  switch (error) {
    case EADDRINUSE:
      return Bind::Busy;
    case EACCES:
    case EPERM:
      return Bind::Forbidden;
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
    case EINVAL:  // a link-local address without its interface
      return Bind::NoSuchAddress;
    default:
      throwSystemError("bind to port " + std::to_string(port) + " of host \"" + target.host + '"',
                       error);
  }
}

void shareHold(const std::vector<PrivateSocket>& hold) {
  for (const auto& socket : hold) {
    setOption(socket.get(), SOL_SOCKET, SO_REUSEADDR, 1);
    setOption(socket.get(), SOL_SOCKET, SO_REUSEPORT, 1);
  }
}

}  // namespace portpool::platform
