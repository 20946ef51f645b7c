#pragma once

#include <map>
#include <string>

namespace portpool::bench {

/// Starts a process that ends at once, and waits for its end. Thread-safe.
using ProcessStart = void (*)();

/// The ways to start a process, by name; "none" is null.
const std::map<std::string, ProcessStart>& waysToStart();

}  // namespace portpool::bench
