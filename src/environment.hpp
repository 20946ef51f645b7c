#pragma once

// The environment variables that the core reads, and its log.

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>

namespace portpool {

/// The variable's value as a whole number of at most `largest`, or nothing if it is not set. Throws
/// PortSpecificationError for anything else.
std::optional<std::uint64_t> environmentNumber(const char* name, std::uint64_t largest);

/// The variable's value, which is one of `choices`, or the first of them if it is not set. Throws
/// PortSpecificationError for anything else.
std::string environmentChoice(const char* name, std::initializer_list<const char*> choices);

/// Checks the environment as a whole, when the process's pool is built: warns, once, of each
/// variable that is called PORTPOOL_... and that portpool does not read. Throws IsolationError if
/// PORTPOOL_ISOLATE=1 asks for an isolation that has not taken place.
void checkEnvironment();

/// Throws IsolationError if PORTPOOL_ISOLATE is 1 and neither this process nor the one that started
/// it is isolated. With `try`, logs a warning instead, unless isolation has been tried.
void requireIsolationIfRequested();

/// Publishes the name of the running test to `portpool audit`, if this process runs under it, and
/// to the processes that this one starts. Must be called by one thread at a time.
void announceTest(const std::string& name);

/// Writes a line to stderr, in one piece.
void log(const std::string& message);

/// The same, as a warning.
void warn(const std::string& message);

}  // namespace portpool
