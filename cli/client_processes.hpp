#pragma once

#include "descriptor.hpp"

#include <portpool/portpool.hpp>

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace portpool::cli {

/// The time since the system's start, by which it also tells when a process was started.
std::chrono::nanoseconds sinceSystemStart() noexcept;

/// A process for which ports are leased, as long as it lives.
struct ClientProcess {
  Descriptor descriptor;  ///< readable when the process has ended
  uid_t user;
  std::uint64_t start;
  std::vector<TCPPortOwner> ports{};
};

/// The processes for which ports are leased, by pid.
class ClientProcesses {
 public:
  /// Has the epoll instance watch every process: its event has the pid, with `mark` set in it.
  ClientProcesses(int epoll, std::uint64_t mark) : epoll_(epoll), mark_(mark) {}

  /// The process of that pid which the user named at that time; null if that one has ended, or is
  /// not the user's. It stays here until it ends.
  ClientProcess* find(pid_t pid, uid_t user, std::chrono::nanoseconds named);

  /// Takes back the ports of the process, if it has ended; returns whether it has.
  bool removeIfEnded(pid_t pid);

  std::size_t size() const noexcept { return processes_.size(); }

 private:
  ClientProcess* add(pid_t pid);

  int epoll_;
  std::uint64_t mark_;
  std::unordered_map<pid_t, ClientProcess> processes_;
};

}  // namespace portpool::cli
