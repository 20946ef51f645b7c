#pragma once

#include <portpool/port_request.hpp>
#include <portpool/tcp_port_owner.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace portpool {

/// The ports of one phase of a run: of the run itself, a suite, a test, or a block of your own.
/// They are returned when the scope ends. Scopes nest; the last opened that still exists is the
/// innermost, for the whole process. Allocation is thread-safe; scopes are opened and ended by one
/// thread at a time, as phases are.
class PortScope {
 public:
  PortScope();
  PortScope(const PortScope&) = delete;
  PortScope& operator=(const PortScope&) = delete;
  ~PortScope();

  /// Allocates from this process's pool and returns the port, which this scope owns from then on.
  /// Throws as PortPool::process() and PortPool::allocate().
  std::uint16_t getNextAvailableTCPPort(const PortRequest& request = {});

  /// Every port handed out in this scope so far, in that order; those of a scope within it stand
  /// where it ended.
  std::vector<std::uint16_t> ports() const;

 private:
  friend std::uint16_t getNextAvailableTCPPort(const PortRequest& request);

  std::uint16_t adopt(TCPPortOwner owner);

  std::vector<TCPPortOwner> owners_;
  std::vector<std::uint16_t> ports_;
};

/// Allocates from this process's pool in the innermost open scope, which returns the port when it
/// ends: with an adapter's listener, when the running test ends. Where no scope is open, the port
/// is the process's until it exits. Returns the port; throws as PortPool::process() and
/// PortPool::allocate(). Thread-safe. From PySys's BaseTest.
std::uint16_t getNextAvailableTCPPort(const PortRequest& request = {});
std::uint16_t getNextAvailableTCPPort(std::vector<std::string> hosts,
                                      AddressFamily family = AddressFamily::Any);

}  // namespace portpool
