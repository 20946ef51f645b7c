#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace portpool::platform {

/// Holds a key exclusively on this machine, against processes, threads, users, and copies of this
/// library, until it is destroyed or its process ends. A forked child has no part in it.
class Lease {
 public:
  Lease() = default;
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  virtual ~Lease() = default;

  /// Waits until there is a message for the holder of this key, or until `deadline`. Returns the
  /// port that the message names, 0 if it names none, or nothing if there is no message. It may
  /// have come before the call; of several, the last that names a port counts.
  virtual std::optional<std::uint16_t> await(std::chrono::steady_clock::time_point deadline) = 0;

  /// Sends a message without a port to the holder of another key; returns whether there is one.
  virtual bool knock(std::uint64_t /*key*/) noexcept { return false; }

  /// Whether somebody has not taken such a message yet.
  virtual bool isUnheard() const noexcept { return false; }
};

/// Where leases are taken. Keys are less than 2^31; those up to 65535 stand for the ports of that
/// number. Thread-safe.
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
  /// returns whether there is.
  virtual bool wake(std::uint64_t key, std::uint16_t port) noexcept = 0;
  virtual bool hasMessages() const noexcept = 0;

  /// Whether this is the kind for processes that the system refuses the usual one, whose leases
  /// those do not see at once: such a process holds its ports bound for them, and looks at theirs.
  virtual bool isOneOfTwo() const noexcept { return false; }

  /// Whether a process with leases of the other kind, the usual or the unusual, has leased the
  /// port, as far as the system shows it.
  virtual bool isLeasedByTheOther(std::uint16_t /*port*/) { return false; }
};

/// Leases by abstract AF_UNIX names, "@portpool/<key>.<suffix>": of this network namespace, as the
/// ports are, and visible in `ss -xa`. Returns null where the system refuses such names (EPERM,
/// EACCES, EAFNOSUPPORT). Throws DescriptorLimitError, and PortPoolError if the system fails
/// otherwise.
std::unique_ptr<LeaseRegistry> makeAbstractNameRegistry();

/// Leases by byte-range locks in the file at `path`, the offset being the key and this network
/// namespace. The file is made if it does not exist, writable by every user, and made anew if it is
/// removed. Throws DescriptorLimitError, and PortPoolError if the file cannot be opened or the
/// system cannot tell networks apart.
std::unique_ptr<LeaseRegistry> makeLockFileRegistry(const std::string& path);

/// The registry for this process: abstract names, or where they are refused the lock file that all
/// such processes of the machine share.
std::unique_ptr<LeaseRegistry> makeLeaseRegistry();

}  // namespace portpool::platform
