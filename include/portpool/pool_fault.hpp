#pragma once

#include <portpool/cpp17.hpp>

#include <string>

#pragma GCC visibility push(default)
namespace portpool {

// For adapters. All functions are thread-safe.

/// To be called before static objects take ports. From then on until the run begins, the functions
/// of PortScope::innermost() and the constructors of TCPPortOwner do not throw: they return port 0,
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
