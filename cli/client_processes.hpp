#pragma once

#include "descriptor.hpp"

#include <portpool/portpool.hpp>

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace portpool::cli {

/// The time since the system's start, the clock by which the system records when processes start.
std::chrono::nanoseconds sinceSystemStart() noexcept;

/// A process for which ports are leased.
struct ClientProcess {
  Descriptor descriptor{-1};  ///< readable when the process has ended
  uid_t user = 0;
  std::uint64_t start = 0;  ///< in ticks of the clock since the system's start
  std::mutex mutex{};
  std::vector<TCPPortOwner> ports{};  ///< guarded by the mutex
};

/// The processes for which ports are leased, each until it ends. Thread-safe.
class ClientProcesses {
 public:
  ClientProcesses();

  /// The process that the user meant by this pid at that time; null if it has ended or does not
  /// belong to the user.
  std::shared_ptr<ClientProcess> find(pid_t pid, uid_t user, std::chrono::nanoseconds named);

  /// Readable when a process has ended and has not been removed.
  int descriptor() const noexcept { return epoll_.get(); }

  /// Takes back the ports of processes that have ended.
  void removeEnded();

  std::size_t size() const;

 private:
  std::shared_ptr<ClientProcess> add(pid_t pid);

  Descriptor epoll_;
  mutable std::mutex mutex_;
  std::unordered_map<pid_t, std::shared_ptr<ClientProcess>> processes_;  // guarded by the mutex
};

}  // namespace portpool::cli
