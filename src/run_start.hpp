#pragma once

// The time before the tests run, when static objects take ports: what is thrown there ends the
// program, though it was only to list its tests. Only a program with an adapter has such a time.

#include <string>

namespace portpool {

/// Whether an adapter expects a run (see expectRun) that has not begun.
bool isBeforeRun() noexcept;

/// The first scope has opened.
void beginRun() noexcept;

/// Logs the error, which processPoolFault() then returns, so that the run fails.
void failRun(const std::string& error) noexcept;

}  // namespace portpool
