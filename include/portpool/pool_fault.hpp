#pragma once

#include <portpool/cpp17.hpp>

#include <string>

namespace portpool {

/// What keeps this process's pool from being built, in the words of the exception that
/// PortPool::process() throws, or what went wrong with a port that was taken before the run; "" if
/// all is well. For adapters, and programs without exceptions. Thread-safe.
std::string processPoolFault() noexcept;

/// Called by an adapter's header before static objects take ports. From then on until the first
/// scope opens, the functions of PortScope::innermost() do not throw PortPoolError: they log it,
/// keep it for processPoolFault(), and return port 0, so that the program still lists its tests
/// and its run fails. And isolation that PORTPOOL_ISOLATE asks for takes place before the first
/// port is taken. Thread-safe.
void expectRun() noexcept;

}  // namespace portpool
