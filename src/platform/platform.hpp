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

/// Where leases are taken. Keys are less than 2^23; those up to 65535 stand for the ports of that
/// number. Thread-safe.
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

/// Leases by byte-range locks in the file at `path`, the offset being the key and this network
/// namespace. The file is made if it does not exist, writable by every user. Throws PortPoolError
/// if it cannot be opened.
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
  int release() noexcept {
    const int descriptor = descriptor_;
    descriptor_ = -1;
    return descriptor;
  }
  void close() noexcept;

 private:
  int descriptor_ = -1;
};

/// A socket address of either family, as the system lays it out.
struct SocketAddress {
  alignas(8) std::array<std::byte, 32> bytes{};
  std::size_t size = 0;
};

/// Binds ports on the hosts of one request: for an instant, to find out whether they are free, or
/// to hold them. Keeps a socket that failed to bind for the next port, which makes a busy port
/// cheap.
class Probe {
 public:
  /// Throws HostError if a host does not resolve, or there is none.
  explicit Probe(const PortRequest& request);

  enum class Mode {
    Exclusive,        ///< as a server without SO_REUSEADDR binds
    BesidesTimeWait,  ///< as a server with SO_REUSEADDR binds
  };

  /// Returns whether the port can be bound on every host, for every transport of the request.
  /// Throws HostError if a host is not of this machine or its family is missing,
  /// DescriptorLimitError, or PortPoolError if the system fails otherwise.
  bool isFree(std::uint16_t port, Mode mode = Mode::Exclusive);

  /// The same, and keeps the port bound for TCP: returns the bound sockets, or none if the port is
  /// not free. With Hold::Shared they are open to servers with SO_REUSEADDR or SO_REUSEPORT.
  std::vector<Socket> hold(std::uint16_t port, Hold hold, Mode mode = Mode::Exclusive);

 private:
  struct Target {
    std::string host;
    SocketAddress address;
    int type;  // SOCK_STREAM or SOCK_DGRAM
    bool dualStack;
    Socket socket;
  };
  enum class Result { Bound, Busy, NoSuchAddress };

  Result bind(Target& target, std::uint16_t port, Mode mode);
  void drop(std::size_t target);

  std::vector<Target> targets_;
};

/// Opens the bound sockets to servers with SO_REUSEADDR or SO_REUSEPORT.
void shareHold(const std::vector<Socket>& sockets);

/// Binds the port on the host with SO_REUSEADDR, and listens; returns the socket.
/// Throws HostError, DescriptorLimitError, PortPoolError if the port is taken.
int listenOn(std::uint16_t port, const std::string& host, AddressFamily family, int backlog);

/// Moves this process into user and network namespaces of its own, with loopback up.
/// Throws IsolationError.
void isolate();

// ---- Knowledge ----------------------------------------------------------------------------------

/// Reads the range of ephemeral ports from the file at `path`; nullopt if it does not exist. Throws
/// PortRangeUnknownError.
std::optional<PortRange> readEphemeralRange(const std::string& path);

/// The system's file for it.
std::string ephemeralRangeFile();

/// The ports on which all sockets that the system shows are in TIME_WAIT, the oldest first.
std::vector<std::uint16_t> portsInTimeWait();

/// Whether all sockets that the system shows on the port belong to no process any more, and there
/// is one: connections that the system closes, TIME_WAIT among them.
bool hasOnlyClosingConnections(std::uint16_t port);

enum class PortUse {
  Sockets,           ///< bound or connected
  SocketsAndLeases,  ///< or leased
};

/// Who uses which of the ports, as far as the system lets this process see it, for a message: a
/// description of each user ("pid 42 (redis-server *:20000)"), and its ports. It does not see
/// sockets that are bound and neither listen nor are connected.
std::map<std::string, PortSet> usersOfPorts(const PortSet& ports, PortUse use);

}  // namespace portpool::platform
