#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

namespace portpool::platform {

/// Holds a key exclusively on this machine, against processes, threads, users, and copies of this
/// library, until it is destroyed or its process ends. A forked child does not share it.
class Lease {
 public:
  Lease() = default;
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  virtual ~Lease() = default;

  /// Waits for a message to the holder of this key, until `deadline`. Returns the port in the
  /// message, or nullopt if there is no message. The message may have arrived before the call.
  virtual std::optional<std::uint16_t> await(std::chrono::steady_clock::time_point deadline) = 0;
};

/// Grants leases. Keys are less than 2^31; those up to 65535 stand for the ports of that number.
/// Thread-safe.
class LeaseRegistry {
 public:
  LeaseRegistry() = default;
  LeaseRegistry(const LeaseRegistry&) = delete;
  LeaseRegistry& operator=(const LeaseRegistry&) = delete;
  virtual ~LeaseRegistry() = default;

  /// Returns null if the key is leased. Throws DescriptorLimitError, and PortPoolError if the
  /// system fails otherwise.
  virtual std::unique_ptr<Lease> tryAcquire(std::uint64_t key) = 0;

  /// Whether the key is leased, without taking it. Throws as tryAcquire().
  virtual bool isLeased(std::uint64_t key) = 0;

  /// Sends the port to the holder of the key, if there is one and this registry has messages;
  /// returns whether it was sent.
  virtual bool wake(std::uint64_t key, std::uint16_t port) noexcept = 0;
  virtual bool hasMessages() const noexcept = 0;
};

/// The registry for this process. Throws DescriptorLimitError, and PortPoolError if the system
/// refuses this process leases or fails otherwise.
std::unique_ptr<LeaseRegistry> makeLeaseRegistry();

}  // namespace portpool::platform
