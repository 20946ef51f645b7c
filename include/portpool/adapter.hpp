#pragma once

// For adapters, which tell portpool when the tests of a framework begin and end. Tests need
// <portpool/portpool.hpp> only.

#include <portpool/cpp17.hpp>

#include <portpool/pimpl.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace portpool::detail {
struct ScopeState;
}

#pragma GCC visibility push(default)
namespace portpool {

/// The ports of one phase of a run: the run itself, a suite, a test, or a block of your own. They
/// are returned when the scope ends. Scopes nest: the most recently opened scope that still exists
/// is the innermost one of the whole process, and every port that getNextAvailableTCPPort() and its
/// relatives hand out in any thread belongs to it. Scopes must be opened and ended by one thread at
/// a time, as phases are.
class PortScope {
 public:
  /// `name` is the phase's name in messages, like "test Echo.Answers". A scope without a name is
  /// part of the phase around it and takes its name.
  explicit PortScope(std::string name = {});
  PortScope(const PortScope&) = delete;
  PortScope& operator=(const PortScope&) = delete;
  ~PortScope();

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

 private:
  detail::Pimpl<detail::ScopeState> state_;
};

// The functions below are thread-safe.

/// To be called before static objects take ports. From then on until the run begins, the functions
/// of <portpool/ports.hpp> and the constructors of TCPPortOwner do not throw: they return port 0,
/// and the first error is logged and kept for processPoolFault(). The program can thus still list
/// its tests, while a run of them fails. The isolation that PORTPOOL_ISOLATE requires takes place
/// before the first port is taken, unless `isListing` returns true for one of the program's
/// arguments, which means that it only lists its tests. No allocation waits longer than 2 s.
void expectRun(bool (*isListing)(const char* argument)) noexcept;

/// To be called when the run begins, or at any time later. Returns why this process's pool cannot
/// be built, as the exception of PortPool::process() says it, or what went wrong with a port before
/// the run; "" if there is no fault.
std::string processPoolFault() noexcept;

/// The same for an adapter that fails tests by exceptions: throws PortPoolError if there is a
/// fault.
void requireProcessPool();

}  // namespace portpool
#pragma GCC visibility pop
