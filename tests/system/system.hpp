#pragma once

// What tests do to the system or ask of it, beyond POSIX and fork.hpp. linux.cpp and macos.cpp
// implement it, and some functions of surroundings.hpp. Where a system cannot do one, that throws
// Refused, and its test is skipped.

#include <sys/types.h>

#include <memory>
#include <string>

#include "platform/lease.hpp"

namespace portpool::test {

/// Leases by names in the kernel; null if the system has or allows none.
std::unique_ptr<platform::LeaseRegistry> makeNamedRegistry();

/// Accepts a connection, by a descriptor that no program inherits; returns -1 with errno.
int acceptFrom(int listener) noexcept;

// ---- Only for a forked child, since they cannot be undone ---------------------------------------

/// In a network of its own: sets the range of ephemeral ports, "20000 30000".
void setEphemeralRange(const std::string& range);

/// In a network of its own.
void switchOffIPv6();

/// Refuses this process the kernel's answers about sockets, but for the tables in its files.
void refuseSocketQueries();

/// Refuses it those tables, too.
void hideSocketTables();

/// From now on this process is killed when it opens a descriptor that programs inherit.
void dieOfInheritance();

/// Has it run on that processor only.
void runOn(int processor);

/// Has it keep its processor from others, but for the small part that the kernel gives them all the
/// same.
void becomeRealTime();

/// Copies this process without the handlers of fork(); returns as fork() does.
pid_t forkBare();

}  // namespace portpool::test
