#pragma once

// The time before the tests run, when static objects take ports. An exception thrown then ends the
// program even if it was only started to list its tests. Only programs with an adapter have such a
// time.

#include <portpool/errors.hpp>

#include <string>

namespace portpool {

/// Whether an adapter expects a run (see expectRun) that has not begun.
bool isBeforeRun() noexcept;

/// Whether this program was started to list its tests; known only if isolation is requested.
bool isListing() noexcept;

/// To be called when the first scope opens.
void beginRun() noexcept;

/// Whether an error has occurred in that time.
bool hasRunFailed() noexcept;

/// Logs the error, which processPoolFault() then returns, so that the run fails.
void failRun(const std::string& error) noexcept;

/// Returns what `take` returns. Before the run, its first error makes the run fail, and from then
/// on this returns `nothing`: nobody would catch an exception, and the program could not list its
/// tests.
template <class Take, class Result>
Result takeOrFailRun(const Take& take, Result nothing) {
  if (!isBeforeRun()) return take();
  if (hasRunFailed()) return nothing;
  try {
    return take();
  } catch (const PortPoolError& error) {
    failRun(error.what());
    return nothing;
  }
}

}  // namespace portpool
