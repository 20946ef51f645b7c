#pragma once

namespace portpool::platform {

/// Moves this process into a network of its own, with loopback up, in which it keeps its user ID.
/// If it throws IsolationError, the process stays where it was.
void isolate();

}  // namespace portpool::platform
