#pragma once

#include <portpool/cpp17.hpp>

#include <portpool/port_request.hpp>
#include <portpool/port_set.hpp>
#include <portpool/sockets.hpp>
#include <portpool/tcp_port_owner.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace portpool {

/// The ports of one phase of a run: of the run itself, a suite, a test, or a block of your own.
/// They are returned when the scope ends. Scopes nest; the last opened that still exists is the
/// innermost, for the whole process. Allocation is thread-safe; scopes are opened and ended by one
/// thread at a time, as phases are.
///
/// All allocation is from this process's pool, and throws as PortPool::process() and
/// PortPool::allocate().
class PortScope {
 public:
  /// `name` is what messages call the phase, like "test Echo.Answers"; a scope without a name is a
  /// part of the phase around it, and goes by its name.
  explicit PortScope(std::string name = {});
  PortScope(const PortScope&) = delete;
  PortScope& operator=(const PortScope&) = delete;
  ~PortScope();

  /// A scope that stands for whichever is the innermost at the moment of a call: with an adapter's
  /// listener, that of the running test. Where none is open, its ports are the process's until it
  /// exits. Thread-safe, whatever scopes end meanwhile.
  static PortScope& innermost() noexcept;

  /// Allocates and returns a port, which this scope owns from then on.
  std::uint16_t getNextAvailableTCPPort(const PortRequest& request = {});
  std::uint16_t getNextAvailableTCPPort(std::vector<std::string> hosts,
                                        AddressFamily family = AddressFamily::Any);

  /// The same for UDP.
  std::uint16_t getNextAvailableUDPPort(PortRequest request = {});

  /// `count` ports, all or none. Throws as PortPool::allocateSeveral().
  std::vector<std::uint16_t> getNextAvailableTCPPorts(std::size_t count,
                                                      const PortRequest& request = {});

  /// `count` consecutive ports, all or none. Throws as PortPool::allocateBlock().
  PortRange getNextAvailableTCPPortBlock(std::size_t count, const PortRequest& request = {});

  /// A port that refuses connections, and that nobody can bind, for as long as the scope owns it.
  std::uint16_t getRefusedTCPPort(PortRequest request = {});

  /// A listening socket on a port that this scope owns: at no moment can anybody else bind it, but
  /// with SO_REUSEADDR set before the socket listens. Throws as TCPPortOwner::listen().
  ListeningSocket getListeningTCPSocket(const std::string& host = "localhost", int backlog = 128);

  /// The port of this name: that which this scope, or else one around it, was asked for by the same
  /// name before, or else a new one of this scope's. In a forked child, too, it is its parent's.
  /// Takes the place of a port number that is a constant: `#define TEST_PORT
  /// portpool::getNamedTCPPort("server")`. The name stands in messages and reports.
  /// Throws PortSpecificationError if the name is empty, or that of a port that was asked for with
  /// another request, transport or count.
  std::uint16_t getNamedTCPPort(const std::string& name, const PortRequest& request = {});

  /// The same for UDP.
  std::uint16_t getNamedUDPPort(const std::string& name, PortRequest request = {});

  /// The same for `count` consecutive ports.
  PortRange getNamedTCPPortBlock(const std::string& name, std::size_t count,
                                 const PortRequest& request = {});

  /// Every port handed out in this scope so far, in that order; those of a scope within it stand
  /// where it ended.
  std::vector<std::uint16_t> ports() const;

  /// What a report of this phase says, as name and value: the ports handed out, `tcp_ports` and
  /// `udp_ports`, blank-separated; those that have names, `named_ports`, like
  /// "server=20000 cluster=20010-20012"; and those found in use at their end, `leaked_ports`. What
  /// there is nothing of is left out, and so are scopes within that have had a report of their own.
  std::vector<std::pair<std::string, std::string>> properties() const;

  /// Ends the phase: returns its ports, as the destructor does, and looks which of them is still
  /// bound or listening (a port that merely has connections in TIME_WAIT is not). Such a leak is,
  /// by the environment variable PORTPOOL_LEAKS, told on stderr (`warn`, the default), ignored
  /// (`ignore`), or returned for the caller to make it a failure of the phase (`fail`), along with
  /// those of the scopes within that have ended: a message for each.
  std::vector<std::string> end() noexcept;

  struct State;  // the library's own

 private:
  struct Innermost {};

  explicit PortScope(Innermost) noexcept;

  /// Gives this scope, or the one it stands for, what `allocate` returns, and returns the ports.
  template <class Allocate>
  std::vector<std::uint16_t> takePorts(std::size_t count, const Allocate& allocate,
                                       const PortRequest* byName = nullptr);
  /// The first of the ports by the request's name, and the others follow it.
  std::uint16_t takeNamedPorts(const PortRequest& request, std::size_t count);

  std::unique_ptr<State> portScope_;  // null where this stands for the innermost; of a fixture, too
};

/// As the members of PortScope::innermost(). getNextAvailableTCPPort is from PySys's BaseTest.
inline std::uint16_t getNextAvailableTCPPort(const PortRequest& request = {}) {
  return PortScope::innermost().getNextAvailableTCPPort(request);
}
inline std::uint16_t getNextAvailableTCPPort(std::vector<std::string> hosts,
                                             AddressFamily family = AddressFamily::Any) {
  return PortScope::innermost().getNextAvailableTCPPort(std::move(hosts), family);
}
inline std::uint16_t getNextAvailableUDPPort(PortRequest request = {}) {
  return PortScope::innermost().getNextAvailableUDPPort(std::move(request));
}
inline std::vector<std::uint16_t> getNextAvailableTCPPorts(std::size_t count,
                                                           const PortRequest& request = {}) {
  return PortScope::innermost().getNextAvailableTCPPorts(count, request);
}
inline PortRange getNextAvailableTCPPortBlock(std::size_t count, const PortRequest& request = {}) {
  return PortScope::innermost().getNextAvailableTCPPortBlock(count, request);
}
inline std::uint16_t getRefusedTCPPort(PortRequest request = {}) {
  return PortScope::innermost().getRefusedTCPPort(std::move(request));
}
inline ListeningSocket getListeningTCPSocket(const std::string& host = "localhost",
                                             int backlog = 128) {
  return PortScope::innermost().getListeningTCPSocket(host, backlog);
}
inline std::uint16_t getNamedTCPPort(const std::string& name, const PortRequest& request = {}) {
  return PortScope::innermost().getNamedTCPPort(name, request);
}
inline std::uint16_t getNamedUDPPort(const std::string& name, PortRequest request = {}) {
  return PortScope::innermost().getNamedUDPPort(name, std::move(request));
}
inline PortRange getNamedTCPPortBlock(const std::string& name, std::size_t count,
                                      const PortRequest& request = {}) {
  return PortScope::innermost().getNamedTCPPortBlock(name, count, request);
}

/// The ports of all open scopes, with those that the innermost has returned already, and what
/// listens on each, as far as the system shows it: a line for each port, with its phase; "" if
/// there are none. For the output of a test that fails. Thread-safe.
std::string describePorts();

}  // namespace portpool
