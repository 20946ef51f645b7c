#pragma once

// All that the core asks of the operating system. One source file for each system implements it.

#include <portpool/port_request.hpp>
#include <portpool/port_set.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace portpool::platform {

// ---- Leases -------------------------------------------------------------------------------------

/// Holds a key exclusively on this machine, against processes, threads, users, and copies of this
/// library, until it is destroyed or its process ends. In a forked child it is a copy, whose end
/// leaves the parent's lease alone.
class Lease {
 public:
  Lease() = default;
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  virtual ~Lease() = default;
};

/// Where leases are taken. Keys up to 65535 stand for the ports of that number. Thread-safe.
class LeaseRegistry {
 public:
  LeaseRegistry() = default;
  LeaseRegistry(const LeaseRegistry&) = delete;
  LeaseRegistry& operator=(const LeaseRegistry&) = delete;
  virtual ~LeaseRegistry() = default;

  /// Returns null if the key is leased. Throws DescriptorLimitError, and PortPoolError if the
  /// system refuses leases altogether.
  virtual std::unique_ptr<Lease> tryAcquire(std::uint64_t key) = 0;
};

/// Leases by abstract AF_UNIX names, "@portpool/<key>": of this network namespace, as the ports
/// are, and visible in `ss -xa`. Returns null where the system refuses such names.
std::unique_ptr<LeaseRegistry> makeAbstractNameRegistry();

/// Leases by byte-range locks in the file at `path`, the key being the offset. The file is made if
/// it does not exist, writable by every user. Throws PortPoolError if it cannot be opened.
std::unique_ptr<LeaseRegistry> makeLockFileRegistry(const std::string& path);

/// The registry for this process: abstract names, or where they are refused the lock file that all
/// processes of the machine share.
std::unique_ptr<LeaseRegistry> makeLeaseRegistry();

// ---- Probes -------------------------------------------------------------------------------------

/// A socket descriptor, closed when it ends.
class Socket {
 public:
  Socket() = default;
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  Socket(Socket&& other) noexcept : descriptor_(other.release()) {}
  Socket& operator=(Socket&& other) noexcept {
    close();
    descriptor_ = other.release();
    return *this;
  }
  ~Socket() { close(); }

  explicit operator bool() const noexcept { return descriptor_ >= 0; }
  int get() const noexcept { return descriptor_; }
  void close() noexcept;

 private:
  int release() noexcept {
    const int descriptor = descriptor_;
    descriptor_ = -1;
    return descriptor;
  }

  int descriptor_ = -1;
};

/// A socket address of either family, as the system lays it out.
struct SocketAddress {
  alignas(8) std::array<std::byte, 32> bytes{};
  std::size_t size = 0;
};

/// Finds out whether ports are free on the hosts of one request, by binding them for an instant.
/// Keeps a socket that failed to bind for the next port, which makes a busy port cheap.
class Probe {
 public:
  /// Throws HostError if a host does not resolve, or there is none.
  explicit Probe(const PortRequest& request);

  enum class Mode {
    Exclusive,        ///< as a server without SO_REUSEADDR binds
    BesidesTimeWait,  ///< as a server with SO_REUSEADDR binds
  };

  /// Returns whether the port can be bound on every host. Throws HostError if a host is not of this
  /// machine or its family is missing, DescriptorLimitError, or PortPoolError if the system fails
  /// otherwise.
  bool isFree(std::uint16_t port, Mode mode = Mode::Exclusive);

 private:
  struct Target {
    std::string host;
    SocketAddress address;
    bool dualStack;
    Socket socket;
  };
  enum class Result { Free, Busy, NoSuchAddress };

  Result tryTarget(Target& target, std::uint16_t port, Mode mode);

  std::vector<Target> targets_;
};

// ---- Knowledge ----------------------------------------------------------------------------------

/// Reads the range of ephemeral ports from the file at `path`; nullopt if it does not exist. Throws
/// PortRangeUnknownError.
std::optional<PortRange> readEphemeralRange(const std::string& path);

/// The system's file for it.
std::string ephemeralRangeFile();

/// The ports on which all sockets that the system shows are in TIME_WAIT, the oldest first.
std::vector<std::uint16_t> portsInTimeWait();

/// Who uses which of the ports, as far as the system lets this process see it, for a message: a
/// description of each user ("pid 42 (redis-server *:20000)"), and its ports.
std::map<std::string, PortSet> usersOfPorts(const PortSet& ports);

}  // namespace portpool::platform
