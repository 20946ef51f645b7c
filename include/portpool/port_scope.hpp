#pragma once

#include <portpool/cpp17.hpp>

#include <portpool/pimpl.hpp>
#include <portpool/port_range.hpp>
#include <portpool/port_request.hpp>
#include <portpool/sockets.hpp>
#include <portpool/tcp_port_owner.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#pragma GCC visibility push(default)
namespace portpool {

/// The ports of one phase of a run: the run itself, a suite, a test, or a block of your own. They
/// are returned when the scope ends. Scopes nest: the most recently opened scope that still exists
/// is the innermost one of the whole process. Allocation is thread-safe; scopes must be opened and
/// ended by one thread at a time, as phases are.
///
/// Ports come from this process's pool, and every allocation throws as PortPool::process() and
/// PortPool::allocate() do.
class PortScope {
 public:
  /// `name` is the phase's name in messages, like "test Echo.Answers". A scope without a name is
  /// part of the phase around it and takes its name.
  explicit PortScope(std::string name = {});
  PortScope(const PortScope&) = delete;
  PortScope& operator=(const PortScope&) = delete;
  ~PortScope();

  /// A scope that stands for whichever scope is innermost at the moment of each call: with an
  /// adapter, that of the running test. If no scope is open, its ports belong to the process until
  /// it exits. Thread-safe, even while scopes end.
  static PortScope& innermost() noexcept;

  /// Allocates a port, which this scope then owns, and returns it.
  std::uint16_t getNextAvailableTCPPort(const PortRequest& request = detail::defaultRequest());
  std::uint16_t getNextAvailableTCPPort(std::vector<std::string> hosts,
                                        AddressFamily family = AddressFamily::Any);

  /// The same for UDP.
  std::uint16_t getNextAvailableUDPPort(PortRequest request = {});

  /// `count` ports, all or none. Throws as PortPool::allocateSeveral() does.
  std::vector<std::uint16_t> getNextAvailableTCPPorts(
      std::size_t count, const PortRequest& request = detail::defaultRequest());

  /// `count` consecutive ports, all or none. Throws as PortPool::allocateBlock() does.
  PortRange getNextAvailableTCPPortBlock(std::size_t count,
                                         const PortRequest& request = detail::defaultRequest());

  /// A port that refuses connections and that nobody can bind while the scope owns it.
  std::uint16_t getRefusedTCPPort(PortRequest request = {});

  /// A listening socket on a port that this scope owns. At no moment is the port free: until the
  /// socket listens, only a program that sets SO_REUSEADDR could bind it too (where the system has
  /// no holds, on macOS and Windows, any program could). Throws as TCPPortOwner::listen() does.
  ListeningSocket getListeningTCPSocket(const std::string& host = "localhost", int backlog = 128);

  /// The port of this name: the one that this scope, or else a scope around it, has already given
  /// that name, or else a new one that this scope owns. In a forked child it is the parent's port.
  /// Replaces a constant port number: `#define TEST_PORT portpool::getNamedTCPPort("server")`. The
  /// name appears in messages and reports.
  /// Throws PortSpecificationError if the name is empty, or belongs to a port that was requested
  /// with another request, transport or count.
  std::uint16_t getNamedTCPPort(const std::string& name,
                                const PortRequest& request = detail::defaultRequest());

  /// The same for UDP.
  std::uint16_t getNamedUDPPort(const std::string& name, PortRequest request = {});

  /// The same for `count` consecutive ports.
  PortRange getNamedTCPPortBlock(const std::string& name, std::size_t count,
                                 const PortRequest& request = detail::defaultRequest());

  /// Every port handed out in this scope so far, in order. The ports of an inner scope are inserted
  /// where that scope ended.
  std::vector<std::uint16_t> ports() const;

  /// The properties of this phase for a report, as names and values: `tcp_ports` and `udp_ports`,
  /// the ports handed out, separated by blanks; `named_ports`, those with names, like "server=20000
  /// cluster=20010-20012"; and `leaked_ports`, those still in use at the end. Empty properties are
  /// left out, and so are the ports of inner scopes that had a report of their own.
  std::vector<std::pair<std::string, std::string>> properties() const;

  /// Ends the phase: returns its ports, as the destructor does, after checking which of them are
  /// still in use (connections in TIME_WAIT do not count). The environment variable PORTPOOL_LEAKS
  /// decides what happens to such leaks: they are logged to stderr (`warn`, the default), ignored
  /// (`ignore`), or returned as messages that the caller reports as failures of the phase (`fail`),
  /// together with those of inner scopes that have ended.
  std::vector<std::string> end() noexcept;

  struct [[gnu::visibility("hidden")]] State;  // internal

 private:
  struct Innermost {};

  explicit PortScope(Innermost) noexcept;

  /// Gives this scope, or the one it stands for, what `allocate` returns, and returns the ports.
  template <class Allocate>
  std::vector<std::uint16_t> takePorts(std::size_t count, const Allocate& allocate,
                                       const PortRequest* byName = nullptr);
  /// The first of the ports by the request's name, and the others follow it.
  std::uint16_t takeNamedPorts(const PortRequest& request, std::size_t count);

  detail::Pimpl<State> portScope_;  // null where this stands for the innermost; of a fixture, too
};

/// These call the members of PortScope::innermost(). getNextAvailableTCPPort is from PySys's
/// BaseTest.
std::uint16_t getNextAvailableTCPPort(const PortRequest& request = detail::defaultRequest());
std::uint16_t getNextAvailableTCPPort(std::vector<std::string> hosts,
                                      AddressFamily family = AddressFamily::Any);
std::uint16_t getNextAvailableUDPPort(PortRequest request = {});
std::vector<std::uint16_t> getNextAvailableTCPPorts(
    std::size_t count, const PortRequest& request = detail::defaultRequest());
PortRange getNextAvailableTCPPortBlock(std::size_t count,
                                       const PortRequest& request = detail::defaultRequest());
std::uint16_t getRefusedTCPPort(PortRequest request = {});
ListeningSocket getListeningTCPSocket(const std::string& host = "localhost", int backlog = 128);
std::uint16_t getNamedTCPPort(const std::string& name,
                              const PortRequest& request = detail::defaultRequest());
std::uint16_t getNamedUDPPort(const std::string& name, PortRequest request = {});
PortRange getNamedTCPPortBlock(const std::string& name, std::size_t count,
                               const PortRequest& request = detail::defaultRequest());

/// For the output of a failing test: the ports of all open scopes, including those that the
/// innermost scope has already returned, with what listens on each as far as the system shows it.
/// One line for each port, with its phase; "" if there are none. Thread-safe.
std::string describePorts();

}  // namespace portpool
#pragma GCC visibility pop
