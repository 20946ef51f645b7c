// Leases by abstract AF_UNIX names.

#include "abstract_names.hpp"

#include "../lock_file/lock_file.hpp"
#include "../lock_file/lock_offset.hpp"
#include "../posix/network.hpp"
#include "../posix/sockets.hpp"
#include "lease_name.hpp"
#include "platform/files.hpp"
#include "platform/fork.hpp"
#include "platform/private_socket.hpp"
#include "platform/system_error.hpp"

#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <exception>
#include <mutex>
#include <string>
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
    std::optional<std::uint16_t> named;
    if (::poll(&readable, 1, static_cast<int>(timeout.count())) != 1) return named;
    for (std::uint16_t port = 0; ::recv(socket_.get(), &port, sizeof port, MSG_DONTWAIT) >= 0;) {
      if (!named || port != 0) named = port;
    }
    return named;
  }

  bool knock(std::uint64_t key) noexcept override {
    constexpr std::uint16_t kNoPort = 0;
    const auto name = nameOf(key);
    const bool isSent = ::sendto(socket_.get(), &kNoPort, sizeof kNoPort,
                                 MSG_DONTWAIT | MSG_NOSIGNAL, name.get(), name.size) >= 0;
    const bool isFull = !isSent && errno == EAGAIN;
    fullKnocks_ = isFull ? fullKnocks_ + 1 : 0;
    return isSent || isFull;
  }

  bool isUnheard() const noexcept override {
    int bytes = 0;  // sent, and not received
    return fullKnocks_ >= kMostFullKnocks ||
           (::ioctl(socket_.get(), SIOCOUTQ, &bytes) == 0 && bytes > 0);
  }

 private:
  PrivateSocket socket_;
  // In a row, that found the holder with as many messages as the system keeps for it: those of many
  // may come at one time.
  static constexpr int kMostFullKnocks = 3;
  int fullKnocks_ = 0;
};

class AbstractNameRegistry final : public LeaseRegistry {
 public:
  LeaseKind kind() const noexcept override { return LeaseKind::AbstractName; }
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
    // By a security module: of this end, or of the other, if there is one.
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
  bool isLeasedByTheOther(std::uint16_t port) override { return isLocked(kLockFile, port); }

 private:
  /// Makes the system call on the socket that asks and sends, one at a time, and returns 0 or its
  /// error. The socket has no name, and opens with the first question.
  template <class SystemCall>
  int withMessenger(const SystemCall& call) {
    const NoFork noFork;
    const std::lock_guard<ProcessMutex> lock(mutex_);
    if (messenger_.get() == kNoSocket || networksLeft_ != networksLeft) {
      auto socket = openUnixSocket();
      if (!socket) throwSystemError("socket for questions about leases", errno);
      messenger_ = PrivateSocket(std::move(socket));
      networksLeft_ = networksLeft;
    }
    return call(messenger_.get()) < 0 ? errno : 0;
  }

  ProcessMutex mutex_;
  PrivateSocket messenger_;
  int networksLeft_ = 0;  // when it was opened
};

}  // namespace

std::string abstractNameOf(std::uint64_t key) { return std::string(LeaseName(key).text()); }

bool othersMayLeaseOtherwise() { return true; }

bool isLeasedOtherwise(std::uint16_t port) {
  std::string names;
  if (readFile("/proc/net/unix", names) != 0) return false;
  return names.find('@' + abstractNameOf(port) + '\n') != std::string::npos;
}

std::unique_ptr<LeaseRegistry> makeAbstractNameRegistry() {
  const auto socket = openUnixSocket();
  const AbstractAddress trial(std::string(kAbstractNamePrefix) + "trial");
  if (!socket || ::bind(socket.get(), trial.get(), trial.size) != 0) {
    if (isRefusal(errno)) return nullptr;
    if (errno != EADDRINUSE) throwSystemError("a trial lease", errno);
  }
  return std::make_unique<AbstractNameRegistry>();
}

}  // namespace portpool::platform
