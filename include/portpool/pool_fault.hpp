#pragma once

#include <portpool/cpp17.hpp>

#include <string>

namespace portpool {

// For adapters. All of it is thread-safe.

/// Called before static objects take ports. From then on until the run begins, an error does not
/// leave the functions of PortScope::innermost() and the constructors of TCPPortOwner: the first is
/// logged and kept for processPoolFault(), and the port is 0 then, so that the program still lists
/// its tests, and its run fails. Isolation that PORTPOOL_ISOLATE asks for takes place before the
/// first port is taken, unless `isListing` is true of an argument of this program, which then only
/// lists its tests; and nobody waits longer than 2 s.
void expectRun(bool (*isListing)(const char* argument)) noexcept;

/// Called when the run begins, or any time later. What keeps this process's pool from being built,
/// in the words of the exception that PortPool::process() throws, or what went wrong with a port
/// before the run; "" if all is well.
std::string processPoolFault() noexcept;

/// The same, for an adapter that fails a test by an exception: throws PortPoolError if there is a
/// fault.
void requireProcessPool();

}  // namespace portpool
