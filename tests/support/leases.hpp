#pragma once

#include <cstdint>
#include <set>

/// The ports whose leases this very process holds, as the kernel tells it: abstract socket names
/// that belong to one of its descriptors.
std::set<std::uint16_t> leasesOfThisProcess();
