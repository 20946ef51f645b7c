#pragma once

#include <portpool/cpp17.hpp>

#include <portpool/port_request.hpp>
#include <portpool/port_set.hpp>
#include <portpool/sockets.hpp>
#include <portpool/tcp_port_owner.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace portpool {

class PortScope;

namespace detail {

/// Gives the owners to the scope, or if it is null to the innermost, or if none is open to the
/// process. Returns their ports.
std::vector<std::uint16_t> adopt(PortScope* scope, std::vector<TCPPortOwner> owners);

}  // namespace detail

/// The ports of one phase of a run: of the run itself, a suite, a test, or a block of your own.
/// They are returned when the scope ends. Scopes nest; the last opened that still exists is the
/// innermost, for the whole process. Allocation is thread-safe; scopes are opened and ended by one
/// thread at a time, as phases are.
///
/// All allocation is from this process's pool, and throws as PortPool::process() and
/// PortPool::allocate().
class PortScope {
 public:
  /// `name` is what messages call the phase, like "test Echo.Answers"; a scope without a name goes
  /// by that of the scope around it.
  explicit PortScope(std::string name = {});
  PortScope(const PortScope&) = delete;
  PortScope& operator=(const PortScope&) = delete;
  ~PortScope();

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

  /// Every port handed out in this scope so far, in that order; those of a scope within it stand
  /// where it ended.
  std::vector<std::uint16_t> ports() const;

  /// Ends the phase: returns its ports, as the destructor does, and looks which of them is still
  /// bound or listening (a port that merely has connections in TIME_WAIT is not). Such a leak is,
  /// by the environment variable PORTPOOL_LEAKS, told on stderr (`warn`, the default), ignored
  /// (`ignore`), or returned for the caller to make it a failure of the phase (`fail`), along with
  /// those of the scopes within that have ended: a message for each.
  std::vector<std::string> end() noexcept;

 private:
  friend std::vector<std::uint16_t> detail::adopt(PortScope* scope,
                                                  std::vector<TCPPortOwner> owners);
  friend std::string describePorts();

  /// What this process owns: not what its parent did when it was forked.
  PortSet ownedPorts() const;

  std::string name_;
  std::uint64_t process_;  // that opened it
  std::vector<TCPPortOwner> owners_;
  std::vector<std::uint16_t> ports_;
  std::vector<std::string> failures_;  // leaks of inner scopes
};

/// As the members of PortScope, in the innermost open scope: with an adapter's listener, that of
/// the running test. Where no scope is open, the port is the process's until it exits. Thread-safe.
/// getNextAvailableTCPPort is from PySys's BaseTest.
std::uint16_t getNextAvailableTCPPort(const PortRequest& request = {});
std::uint16_t getNextAvailableTCPPort(std::vector<std::string> hosts,
                                      AddressFamily family = AddressFamily::Any);
std::uint16_t getNextAvailableUDPPort(PortRequest request = {});
std::vector<std::uint16_t> getNextAvailableTCPPorts(std::size_t count,
                                                    const PortRequest& request = {});
PortRange getNextAvailableTCPPortBlock(std::size_t count, const PortRequest& request = {});
std::uint16_t getRefusedTCPPort(PortRequest request = {});
ListeningSocket getListeningTCPSocket(const std::string& host = "localhost", int backlog = 128);

/// The ports of all open scopes, with those that the innermost has returned already, and what
/// listens on each, as far as the system shows it, a line for each port; "" if there are none. For
/// the output of a test that fails. Thread-safe.
std::string describePorts();

}  // namespace portpool
