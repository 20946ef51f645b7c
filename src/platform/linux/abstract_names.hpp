#pragma once

#include "platform/lease.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace portpool::platform {

/// Leases by abstract AF_UNIX names, "@portpool/<key>.<suffix>", which belong to this network
/// namespace as the ports do, and show in `ss -xa`. Returns null if the system refuses them (EPERM,
/// EACCES, EAFNOSUPPORT). Throws DescriptorLimitError, and PortPoolError if the system fails
/// otherwise.
std::unique_ptr<LeaseRegistry> makeAbstractNameRegistry();

/// The abstract name, without its leading NUL, that stands for a key.
std::string abstractNameOf(std::uint64_t key);

}  // namespace portpool::platform
