#pragma once

// The time before the tests run, when static objects take ports: what is thrown there ends the
// program, though it was only to list its tests. Only a program with an adapter has such a time.

#include <portpool/errors.hpp>

#include <string>

namespace portpool {

/// Whether an adapter expects a run (see expectRun) that has not begun.
bool isBeforeRun() noexcept;

/// Whether this program was started to list its tests; asked for only where isolation is.
bool isListing() noexcept;

/// The first scope has opened.
void beginRun() noexcept;

/// Whether an error of that time has been met already.
bool hasRunFailed() noexcept;

/// Logs the error, which processPoolFault() then returns, so that the run fails.
void failRun(const std::string& error) noexcept;

/// What `take` returns. Before the run its first error fails the run, and then all there is is
/// `nothing`: nobody would catch what is thrown there, and the program could not list its tests.
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
