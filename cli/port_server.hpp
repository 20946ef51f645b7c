#pragma once

#include "client_processes.hpp"

#include <portpool/portpool.hpp>

#include <sys/socket.h>
#include <sys/types.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <exception>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace portpool::cli {

/// Answers requests for ports:
///
///     <pid>              a port, leased until that process ends, as from Google's portserver
///     <pid> <count>      the first of so many consecutive ports, leased alike
///     <pid> <count> any  so many ports, 1000 at most, all or none, with blanks between them
///     0                  "portpool"
///
/// Refusals are logged to stderr, at most once a minute for each reason. Thread-safe.
class PortServer {
 public:
  PortServer(const PortSet& ports, bool servesAnyUser);

  bool serves(const ucred& peer);

  /// Logs that a request is given up, as for want of memory.
  void giveUp(const std::exception& error) noexcept;

  /// The answer to the peer, whose connection was accepted at that time: a line, or "" to refuse.
  std::string answer(std::string_view text, const ucred& peer, std::chrono::nanoseconds accepted);

  /// Readable when a process has ended; removeEnded() then takes back its ports.
  int endedProcesses() const noexcept { return processes_.descriptor(); }
  void removeEnded();

 private:
  using Time = std::chrono::nanoseconds;  // since the system's start
  enum class Refusal { Namespace, User, Request, Process, NoPort, Fault, Count };

  /// Leases ports; none, having told why, if there are none.
  std::vector<TCPPortOwner> take(std::size_t count, bool areAny);
  void refuse(Refusal reason, const std::string& message) { refuse(reason, message.c_str()); }
  void refuse(Refusal reason, const char* message, const char* detail = "") noexcept;

  const uid_t user_;
  const bool servesAnyUser_;
  const std::size_t mostDescriptors_;  // for leases and processes
  PortPool pool_;
  ClientProcesses processes_;

  std::mutex mutex_;        // of the rest
  std::size_t missed_ = 0;  // the number of ports that the last search did not find
  Time nextSearch_{0};      // for as many, unless a port is returned
  std::array<Time, static_cast<std::size_t>(Refusal::Count)> nextMessages_{};
};

}  // namespace portpool::cli
