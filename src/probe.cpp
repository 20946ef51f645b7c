#include "probe.hpp"

#include "hosts.hpp"
#include "platform/fork.hpp"
#include "platform/system_error.hpp"

#include <portpool/errors.hpp>

#include <algorithm>
#include <utility>

namespace portpool {

using platform::Refusal;
using platform::Reuse;
using platform::SocketAddress;

void shareHold(const std::vector<platform::PrivateSocket>& hold) {
  for (const auto& socket : hold) {
    for (const auto reuse : {Reuse::Address, Reuse::Port}) {
      platform::setReuse(socket.get(), reuse, true);
    }
  }
}

Probe::Probe(const PortRequest& request) : hold_(request.hold) {
  const auto& hosts = request.hosts;
  if (hosts.empty()) {
    throw HostError(
        "the request names no host; name an address of this machine, \"localhost\", or \"\" for "
        "all of its addresses");
  }
  const bool hasEveryAddress =
      std::any_of(hosts.begin(), hosts.end(), [](const auto& host) { return host.empty(); });
  const auto add = [&](const std::string& host, const SocketAddress& address) {
    const auto isSame = [&](const Target& other) {
      return covers(other.address, false, address) && covers(address, false, other.address);
    };
    if (std::any_of(targets_.begin(), targets_.end(), isSame)) return;
    for (const auto type : {SocketType::Stream, SocketType::Datagram}) {
      const auto other = type == SocketType::Stream ? Transport::UDP : Transport::TCP;
      if (request.transport != other) targets_.push_back({&host, address, type, request.family});
    }
  };
  for (const auto& host : hosts) {
    if (host.empty()) {
      add(host, everyAddress(request.family));
    } else if (!hasEveryAddress || host != "localhost") {  // which every machine has
      for (const auto& address : addressesOf(host, request.family)) add(host, address);
    }
  }
  if (hold_ == Hold::None) return;
  for (auto& target : targets_) {
    target.isHeld = target.type == SocketType::Stream &&
                    std::none_of(targets_.begin(), targets_.end(), [&](const Target& other) {
                      return &other != &target && other.type == target.type &&
                             covers(other.address, other.isDualStack(), target.address);
                    });
  }
  // The held targets come last: no narrower address can be bound once a wide one is held.
  std::stable_partition(targets_.begin(), targets_.end(),
                        [](const Target& target) { return !target.isHeld; });
}

Probe::Result Probe::tryBind(std::uint16_t port, Mode mode,
                             std::vector<platform::PrivateSocket>* hold) {
  const platform::NoFork noFork;
  for (std::size_t i = 0; i < targets_.size();) {
    auto& target = targets_[i];
    const auto refusal = bind(target, port, mode);
    if (refusal == Refusal::Busy) return Result::Busy;
    if (refusal == Refusal::Forbidden) return Result::Forbidden;
    if (refusal == Refusal::NoSuchAddress) {
      drop(i);
      continue;
    }
    if (hold != nullptr && target.isHeld) {
      hold->emplace_back(std::move(target.socket));
    } else if (target.type == SocketType::Stream && platform::mayHaveThreads()) {
      // A child that another thread starts has a copy until it execs. With this flag, a server that
      // sets it too can bind beside that.
      platform::setReuse(target.socket.get(), Reuse::Address, true);
    }
    target.socket.close();
    ++i;
  }
  return Result::Free;
}

Probe::Result Probe::take(std::uint16_t port, Mode mode,
                          std::vector<platform::PrivateSocket>& hold) {
  std::vector<platform::PrivateSocket> bound;
  const auto result = tryBind(port, mode, &bound);
  if (result != Result::Free) return result;
  if (hold_ == Hold::Shared) shareHold(bound);
  hold = std::move(bound);
  return result;
}

bool Probe::concerns(SocketAddress address) const {
  address.port = 0;
  return std::any_of(targets_.begin(), targets_.end(), [&](const Target& target) {
    auto own = target.address;
    own.port = 0;
    return meets(own, target.isDualStack(), address);
  });
}

/// A name may have addresses that are not up; the host is wrong when all are.
void Probe::drop(std::size_t target) {
  const auto missing = std::move(targets_[target]);
  targets_.erase(targets_.begin() + static_cast<std::ptrdiff_t>(target));
  const bool othersLeft = std::any_of(targets_.begin(), targets_.end(), [&](const Target& other) {
    return *other.host == *missing.host;
  });
  if (!othersLeft) throwNotLocal(*missing.host, missing.family);
}

Refusal Probe::bind(Target& target, std::uint16_t port, Mode mode) {
  // Only TCP has connections that linger; on UDP, SO_REUSEADDR would see past other programs'
  // sockets.
  const bool reuse = mode == Mode::BesidesLingering && target.type == SocketType::Stream;
  if (reuse) target.socket.close();  // the kept one lacks the flag
  if (!target.socket) {
    auto socket = platform::openSocket(familyToServe(target.address, target.family), target.type);
    if (!socket) {
      if (!target.host->empty() || !target.isDualStack()) return Refusal::NoSuchAddress;
      target.family = AddressFamily::IPv4;  // a kernel without IPv6
      target.address = everyAddress(target.family);
      return bind(target, port, mode);
    }
    if (reuse) platform::setReuse(socket.get(), Reuse::Address, true);
    target.socket = std::move(socket);
  }
  target.address.port = port;
  const int error = platform::bind(target.socket.get(), target.address);
  const auto refusal = platform::refusalOf(error);
  if (reuse && error != 0) target.socket.close();
  if (refusal == Refusal::Invalid) return Refusal::NoSuchAddress;  // link-local, without interface
  if (refusal == Refusal::Other) {
    platform::throwSystemError(
        "bind to port " + std::to_string(port) + " of host \"" + *target.host + '"', error);
  }
  return refusal;
}

}  // namespace portpool
