#pragma once

#include <portpool/cpp17.hpp>

#pragma GCC visibility push(default)
namespace portpool {

/// Moves this process into user and network namespaces of its own. It keeps its user ID, the only
/// network interface is loopback, and no other program shares its ports, even hard-coded ones.
/// Processes that it starts later are in the same namespaces. Linux only, and only before the first
/// thread starts. Throws IsolationError if the system refuses.
void isolate();

/// To be called by `main` before it runs tests, as portpool's own mains do. The environment
/// variable PORTPOOL_ISOLATE decides: `1` isolates this process, `try` isolates it if the system
/// allows that, and `0`, the default, does nothing. Child processes inherit the namespaces but not
/// the variable. If the run must stop, logs the reason to stderr and returns false. If the variable
/// is `1` and this function has not been called, PortPool::process() throws IsolationError.
bool isolateIfRequested() noexcept;

}  // namespace portpool
#pragma GCC visibility pop
