#pragma once

#include "candidate_queue.hpp"
#include "platform/platform.hpp"

#include <portpool/port_pool.hpp>

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace portpool {

namespace detail {

/// A port that is handed out: its lease, and the pool that takes it back.
class Allocation {
 public:
  Allocation(std::shared_ptr<PortPool::Impl> pool, PortRequest request, std::uint16_t port,
             std::unique_ptr<platform::Lease> lease);
  Allocation(const Allocation&) = delete;
  Allocation& operator=(const Allocation&) = delete;
  ~Allocation();

  const PortRequest& request() const { return request_; }
  std::uint16_t port() const { return port_; }

 private:
  std::shared_ptr<PortPool::Impl> pool_;
  PortRequest request_;
  std::uint16_t port_;
  std::unique_ptr<platform::Lease> lease_;
};

}  // namespace detail

class PortPool::Impl : public std::enable_shared_from_this<PortPool::Impl> {
 public:
  Impl(PortSet ports, const PortPoolOptions& options);

  std::unique_ptr<detail::Allocation> allocate(const PortRequest& request);
  void takeBack(std::uint16_t port) noexcept;

  const PortSet& ports() const { return ports_; }
  std::uint64_t seed() const { return seed_; }
  PortPoolStatistics statistics() const;

 private:
  /// Whether the caller waits in line, or should let those in line go first.
  enum class Manners { LetOthersFirst, InLine };

  /// Tries each port once, in order, then the suspects, then those in TIME_WAIT. Returns null if
  /// none is free, or the last free one is left to those who wait in line.
  std::unique_ptr<detail::Allocation> tryEveryPort(const PortRequest& request,
                                                   platform::Probe& probe, Manners manners);
  /// Leases and probes one port, taken from the candidates. Returns null, having made it a suspect,
  /// if it is busy.
  std::unique_ptr<detail::Allocation> tryPort(std::uint16_t port, const PortRequest& request,
                                              platform::Probe& probe, platform::Probe::Mode mode);
  std::unique_ptr<detail::Allocation> wait(const PortRequest& request, platform::Probe& probe);
  std::string describeUsers() const;

  const PortSet ports_;
  const std::uint64_t seed_;
  const std::chrono::milliseconds waitTime_;
  const bool verbose_;
  const std::unique_ptr<platform::LeaseRegistry> registry_;

  mutable std::mutex mutex_;  // guards what follows; no system call is made under it
  std::condition_variable portReturned_;
  std::uint64_t returns_ = 0;  // ports returned so far
  CandidateQueue candidates_;
  PortPoolStatistics statistics_;
};

}  // namespace portpool
