// Leases by abstract AF_UNIX names, "@portpool/<key>.<suffix>", which belong to this network
// namespace as the ports do, and show in `ss -xa`.

#include "platform/lease.hpp"

#include "../posix/sockets.hpp"
#include "lease_name.hpp"
#include "network.hpp"
#include "platform/fork.hpp"
#include "platform/private_socket.hpp"
#include "platform/system_error.hpp"

#include <portpool/errors.hpp>

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <exception>
#include <mutex>
#include <string>
#include <system_error>
#include <utility>

namespace portpool::platform {
namespace {

using Clock = std::chrono::steady_clock;

AbstractAddress nameOf(std::uint64_t key) { return AbstractAddress(LeaseName(key)); }

Socket openUnixSocket() { return newSocket(AF_UNIX, SOCK_DGRAM); }

bool isRefusal(int error) { return error == EPERM || error == EACCES || error == EAFNOSUPPORT; }

class AbstractNameLease final : public Lease {
 public:
  explicit AbstractNameLease(PrivateSocket socket) : socket_(std::move(socket)) {}

  std::optional<std::uint16_t> await(Clock::time_point deadline) override {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    constexpr std::chrono::milliseconds kLongest = std::chrono::hours(1);
    pollfd readable{socket_.get(), POLLIN, 0};
    const auto timeout = std::clamp(left, std::chrono::milliseconds::zero(), kLongest);
    std::uint16_t port = 0;
    if (::poll(&readable, 1, static_cast<int>(timeout.count())) != 1 ||
        ::recv(socket_.get(), &port, sizeof port, MSG_DONTWAIT) < 0) {
      return std::nullopt;
    }
    return port;
  }

 private:
  PrivateSocket socket_;
};

class AbstractNameRegistry final : public LeaseRegistry {
 public:
  AbstractNameRegistry() : networksLeft_(networksLeft) {
    const NoFork noFork;
    messenger_ = PrivateSocket(openUnixSocket());  // or with the first question, which says why not
  }

  std::unique_ptr<Lease> tryAcquire(std::uint64_t key) override {
    const NoFork noFork;
    auto socket = openUnixSocket();
    if (!socket) throwSystemError("socket for a lease", errno);
    const auto name = nameOf(key);
    if (::bind(socket.get(), name.get(), name.size) != 0) {
      if (errno == EADDRINUSE) return nullptr;
      throwSystemError("bind for a lease", errno);
    }
    return std::make_unique<AbstractNameLease>(PrivateSocket(std::move(socket)));
  }

  bool isLeased(std::uint64_t key) override {
    const auto name = nameOf(key);
    const int error =
        withMessenger([&](int socket) { return ::connect(socket, name.get(), name.size); });
    if (error == 0) return true;
    if (error == ECONNREFUSED) return false;
    // A security module refuses this end, or the other end, if there is one.
    if (isRefusal(error)) return !tryAcquire(key);
    throwSystemError("connect to a lease", error);
  }

  bool wake(std::uint64_t key, std::uint16_t port) noexcept override {
    try {
      const auto name = nameOf(key);
      return withMessenger([&](int socket) {
               // Most often nobody is there, which this finds at half the price of a message.
               if (::connect(socket, name.get(), name.size) != 0) return ssize_t{-1};
               return ::sendto(socket, &port, sizeof port, MSG_DONTWAIT | MSG_NOSIGNAL, name.get(),
                               name.size);
             }) == 0;
    } catch (const std::exception&) {
      return false;  // without descriptors or memory: the other looks by itself, a little later
    }
  }

  bool hasMessages() const noexcept override { return true; }

 private:
  /// Makes the system call on the socket that asks and sends, one at a time, and returns 0 or its
  /// error. The socket has no name; a forked child opens another.
  template <class SystemCall>
  int withMessenger(const SystemCall& call) {
    const NoFork noFork;
    const std::lock_guard<std::mutex> lock(mutex_);
    if (messenger_.get() == kNoSocket || networksLeft_ != networksLeft) {
      auto socket = openUnixSocket();
      if (!socket) throwSystemError("socket for questions about leases", errno);
      messenger_ = PrivateSocket(std::move(socket));
      networksLeft_ = networksLeft;
    }
    return call(messenger_.get()) < 0 ? errno : 0;
  }

  std::mutex mutex_;  // under NoFork, so that no child finds it locked
  PrivateSocket messenger_;
  int networksLeft_;  // when it was opened
};

}  // namespace

std::unique_ptr<LeaseRegistry> makeLeaseRegistry() {
  const auto socket = openUnixSocket();
  const AbstractAddress trial(std::string(kAbstractNamePrefix) + "trial");
  if (!socket || ::bind(socket.get(), trial.get(), trial.size) != 0) {
    const int error = errno;
    if (isRefusal(error)) {
      throw PortPoolError("the system refuses this process AF_UNIX sockets (" +
                          std::generic_category().message(error) +
                          "), of which leases of ports are made; allow them, in the container's "
                          "seccomp profile, in RestrictAddressFamilies of the systemd service, or "
                          "in the profile of AppArmor or the policy of SELinux");
    }
    if (error != EADDRINUSE) throwSystemError("a trial lease", error);
  }
  return std::make_unique<AbstractNameRegistry>();
}

}  // namespace portpool::platform
