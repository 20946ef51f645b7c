#pragma once

#include "platform/lease.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace portpool::platform {

/// Leases by byte-range locks in the file at `path`, at offsets that depend on the key and this
/// network. The file is created, writable by every user, if it does not exist or has been removed.
/// Throws DescriptorLimitError, and PortPoolError if the file cannot be opened or the system does
/// not show which network this is.
std::unique_ptr<LeaseRegistry> makeLockFileRegistry(const std::string& path);

/// Throws PortPoolError unless the system has such locks: one of an open file keeps another open
/// file off. The file is there.
void checkLocks(const std::string& path);

/// Whether some process holds the lock of a key in the file at `path`, as such leases are.
bool isLocked(const char* path, std::uint64_t key);

// ---- What a system tells the lock file ----------------------------------------------------------

/// A number below 2^31 that stands for the network that this process's ports are in: the same in
/// every process, whatever the system shows it. Throws PortPoolError if it is not known.
std::uint64_t networkId();

/// Whether other processes of this machine may have leases of another kind.
bool othersMayLeaseOtherwise();

/// Whether one of them has leased the port in that way, as far as the system shows it.
bool isLeasedOtherwise(std::uint16_t port);

}  // namespace portpool::platform
