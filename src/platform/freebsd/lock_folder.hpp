#pragma once

#include "platform/lease.hpp"

#include <memory>
#include <optional>
#include <string>

namespace portpool::platform {

/// Where all processes of the machine have their leases.
inline constexpr const char* kLockFolder = "/tmp/portpool.locks";

/// Leases by flock(), each on a file of its own in the folder, which vanishes with the lease,
/// unless its holder was killed: then the next one has it. The folder is made, for every user, if
/// it is not there. Throws PortPoolError if it cannot be made, or is none.
std::unique_ptr<LeaseRegistry> makeLockFolderRegistry(const std::string& path);

/// The ports that are leased there, or nothing if the folder cannot be read. Throws
/// DescriptorLimitError.
std::optional<PortSet> portsLeasedIn(const std::string& path);

}  // namespace portpool::platform
