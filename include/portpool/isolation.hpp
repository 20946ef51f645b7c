#pragma once

#include <portpool/cpp17.hpp>

namespace portpool {

/// Moves this process into a user and a network namespace of its own, in which it keeps its user id
/// and only the loopback interface exists, so that its ports, hard-coded ones too, are its own. Its
/// future children live there with it. Linux only, and only before the first thread starts.
/// Throws IsolationError if the system refuses.
void isolate();

/// What a `main` calls before it runs tests, and portpool's own do: by the environment variable
/// PORTPOOL_ISOLATE, isolates this process (`1`), does so if the system lets it (`try`), or does
/// nothing (`0`, or not set). Children inherit the namespace, and not the variable. Returns false,
/// having said on stderr why, if the run must stop. With `1` in the environment and without this
/// call, the pool cannot be built: PortPool::process() throws IsolationError.
bool isolateIfRequested() noexcept;

}  // namespace portpool
