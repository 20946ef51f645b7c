#pragma once

// The surroundings of a test: its network, its environment, its stderr, its files, its children,
// and the programs that know nothing of portpool.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <portpool/portpool.hpp>

#include "platform/socket.hpp"
#include "system/refused.hpp"
#include "system/sockets.hpp"
#include "system/system.hpp"

namespace portpool::test {

// ---- This process -------------------------------------------------------------------------------

/// Moves this process to a network namespace of its own, with a loopback interface; returns whether
/// the kernel lets it. The whole test program does so when it starts, where it can, so that nobody
/// else uses the ports that a test looks at.
bool enterOwnNetwork();

/// `count` ports that nobody uses or has used lately.
PortSet freshPorts(std::size_t count);
std::uint16_t freshPort();

/// The same, which no connection lingers on either: Windows binds beside these, and so may hand
/// out what an earlier test has left.
PortSet quietPorts(std::size_t count);

/// Whether anybody has a lease of the port.
bool isLeased(std::uint16_t port);

/// As many fresh ports, which are consecutive.
PortSet freshBlock(std::size_t count);

/// What messages call this process if it has a socket open, or a lease.
std::string thisProcess();
std::string thisHolder();

/// The i-th port of a block.
std::uint16_t at(const PortSet& block, std::size_t i);

/// `count` ports from the first one on, in their order.
std::vector<std::uint16_t> consecutive(std::uint16_t first, std::size_t count);

/// For a wait that a test ends.
constexpr auto kForEver = std::chrono::hours(24);

/// A pool that does not wait, with a fixed order.
PortPoolOptions impatient();
/// In the order of this seed.
PortPoolOptions seeded(std::uint64_t seed);

/// Every port that `pool` hands out until none is left, in that order. The pool must not wait.
std::vector<TCPPortOwner> allocateAll(PortPool& pool, const PortRequest& request = {});

std::vector<std::uint16_t> portsOf(const std::vector<TCPPortOwner>& owners);

/// The ports of all of them, which are returned in the same order: in which a vector destroys its
/// elements, depends on the library.
std::vector<std::uint16_t> portsInTurn(PortPool& pool, const PortRequest& request = {});

/// Returns when the first in line for the pool's ports can be noticed.
void untilSomebodyWaits(const PortPool& pool);

/// Sets or removes an environment variable, and restores it.
class ScopedEnvironment {
 public:
  ScopedEnvironment(const char* name, const std::optional<std::string>& value);
  ScopedEnvironment(const ScopedEnvironment&) = delete;
  ScopedEnvironment& operator=(const ScopedEnvironment&) = delete;
  ~ScopedEnvironment();

 private:
  const char* name_;
  std::optional<std::string> before_;
};

/// Reads what this process writes to stderr.
class StderrReader {
 public:
  /// Waits for the next line.
  std::string line() const;
  /// The text that has already been written to stderr, without waiting for more.
  std::string rest() const;

 private:
  StderrPipe pipe_;
};

/// A folder of this test's own.
class ScopedFolder {
 public:
  ScopedFolder();
  ScopedFolder(const ScopedFolder&) = delete;
  ScopedFolder& operator=(const ScopedFolder&) = delete;
  ~ScopedFolder();

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  /// Writes a file; returns its path.
  std::string file(const std::string& name, const std::string& text) const;

 private:
  std::filesystem::path folder_;
};

// ---- Children -----------------------------------------------------------------------------------

/// Runs checks in a child, which may change itself as it likes; fails if one of them does. The
/// child is forked or, on Windows, has run the test from its beginning up to here.
void checkInChild(const std::function<void()>& check);

/// The same, in a process that starts anew: it has no pool yet, so that it can set the pool's
/// variables.
void checkInFreshProcess(const std::function<void()>& check);

/// A program, and all that it prints to stdout and stderr.
class Program {
 public:
  explicit Program(const std::string& path, const std::string& argument = "")
      : output_(startProgram(path, argument)) {}

  /// The next line, or "" at the end.
  std::string line() const;
  /// All that is to come.
  std::string all() const;

 private:
  std::shared_ptr<FILE> output_;
};

/// Gives up root's power to ignore the permissions of files. Only for a child.
void giveUpCapabilities();

// ---- Programs that know nothing of portpool -----------------------------------------------------

/// An address of either family, as system calls take it.
class Address {
 public:
  /// Throws std::invalid_argument unless the host is an address.
  explicit Address(const std::string& host, std::uint16_t port = 0);
  int family() const { return get()->sa_family; }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&bytes_); }
  socklen_t size() const { return size_; }

 private:
  sockaddr_storage bytes_{};
  socklen_t size_;
};

/// Whether a socket has SO_REUSEADDR, SO_REUSEPORT, or both.
enum class Reuse { No, Yes, PortOnly, AddressAndPort };

/// A socket of the family, for TCP unless told otherwise.
platform::Socket openSocket(int family, Reuse reuse = Reuse::No, int type = SOCK_STREAM);

/// Binds to the host, dual-stack to "::"; returns 0 or the error.
int bindTo(const platform::Socket& socket, const std::string& host, std::uint16_t port,
           bool onlyIPv6 = false);

/// A bound socket; throws if it cannot be bound.
platform::Socket occupy(std::uint16_t port, const std::string& host = "0.0.0.0",
                        Reuse reuse = Reuse::No);
platform::Socket listenOn(std::uint16_t port, const std::string& host = "0.0.0.0",
                          Reuse reuse = Reuse::No);

/// Leaves a connection in TIME_WAIT on the port, as a server does that closes its connection first.
/// The server sets SO_REUSEADDR, unless told otherwise.
void leaveTimeWait(std::uint16_t port, const std::string& host = "127.0.0.1",
                   Reuse reuse = Reuse::Yes);

/// What a program gets that binds a socket to the host: 0 or the error.
int bindAnew(const std::string& host, std::uint16_t port, Reuse reuse = Reuse::No,
             int type = SOCK_STREAM);

/// Connects to the host and closes the connection; returns 0 or the error.
int connectTo(const std::string& host, std::uint16_t port);

bool hasIPv6();

/// Whether this system can hold ports.
bool canHold();

}  // namespace portpool::test
