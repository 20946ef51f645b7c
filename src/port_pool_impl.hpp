#pragma once

#include "candidate_queue.hpp"
#include "platform/platform.hpp"

#include <portpool/port_pool.hpp>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace portpool {

namespace detail {

/// A port that is taken from its pool: its lease and its hold, until the pool takes it back.
class Allocation {
 public:
  Allocation(std::shared_ptr<PortPool::Impl> pool, std::shared_ptr<const PortRequest> request,
             std::uint16_t port, std::unique_ptr<platform::Lease> lease,
             std::vector<platform::Socket> hold);
  Allocation(const Allocation&) = delete;
  Allocation& operator=(const Allocation&) = delete;
  ~Allocation();

  const PortRequest& request() const { return *request_; }
  std::uint16_t port() const { return port_; }

  /// From now on the port counts as handed out.
  void handOut() { isHandedOut_ = true; }

  /// Opens an exclusive hold to servers that set SO_REUSEADDR.
  void shareHold() const { platform::shareHold(hold_); }

  /// Ends the hold, and returns whether somebody uses the port. Throws as platform::Probe.
  bool isLeaked();

 private:
  std::shared_ptr<PortPool::Impl> pool_;
  std::shared_ptr<const PortRequest> request_;
  std::uint16_t port_;
  std::unique_ptr<platform::Lease> lease_;
  std::vector<platform::Socket> hold_;
  bool isHandedOut_ = false;
};

}  // namespace detail

class PortPool::Impl : public std::enable_shared_from_this<PortPool::Impl> {
 public:
  using Allocations = std::vector<std::unique_ptr<detail::Allocation>>;

  Impl(PortSet ports, const PortPoolOptions& options);

  Allocations allocate(const PortRequest& request, std::size_t count);
  Allocations allocateBlock(const PortRequest& request, std::size_t count);
  void takeBack(std::uint16_t port, bool wasHandedOut) noexcept;

  const PortSet& ports() const { return ports_; }
  std::uint64_t seed() const { return seed_; }
  PortPoolStatistics statistics() const;

 private:
  /// Whether the caller waits in line, or should let those in line go first.
  enum class Manners { LetOthersFirst, InLine };

  /// What a caller wants, and the sockets that probe for it.
  struct Search {
    Search(PortRequest wanted, std::size_t number, bool consecutive)
        : request(std::make_shared<const PortRequest>(std::move(wanted))),
          count(number),
          isBlock(consecutive),
          probe(*request) {}

    std::string describe() const;  ///< "TCP port"

    /// Those it can have when no other is left, the oldest first.
    std::vector<std::uint16_t> portsInTimeWait() const;

    std::shared_ptr<const PortRequest> request;
    std::size_t count;
    bool isBlock;  // of consecutive ports
    platform::Probe probe;
  };

  /// The request with this pool's defaults. Throws PortSpecificationError if it cannot be met.
  PortRequest completed(PortRequest request) const;

  /// Finds what is wanted, if need be by waiting for it, and hands it out.
  Allocations handOut(Search& search);
  /// In line with all who wait. Throws NoPortAvailableError.
  Allocations wait(Search& search);

  /// Looks for all that is wanted; returns nothing if not all of it is free.
  Allocations attempt(Search& search, Manners manners);
  /// Of free ports, and of those that are busy only because of TIME_WAIT.
  Allocations tryBlock(Search& search, const std::vector<std::uint16_t>& inTimeWait);
  /// Tries each port once, in order, then the suspects, then those in TIME_WAIT. Returns null if
  /// none is free, or the last free one is left to those who wait in line.
  std::unique_ptr<detail::Allocation> tryEveryPort(Search& search, Manners manners);
  /// Leases and probes one port, taken from the candidates. Returns null, having made it a suspect,
  /// if it is busy.
  std::unique_ptr<detail::Allocation> tryPort(std::uint16_t port, Search& search,
                                              platform::Probe::Mode mode);

  std::string describeUsers(const Search& search) const;

  const PortSet ports_;
  const std::uint64_t seed_;
  const std::chrono::milliseconds waitTime_;
  const bool verbose_;
  const bool hold_;
  const std::unique_ptr<platform::LeaseRegistry> registry_;

  mutable std::mutex mutex_;  // guards what follows; no system call is made under it
  std::condition_variable portReturned_;
  std::uint64_t returns_ = 0;  // ports returned so far
  CandidateQueue candidates_;
  PortPoolStatistics statistics_;
};

}  // namespace portpool
