#pragma once

#include <cstdint>

namespace portpool::audit {

/// Whether portpool leases the port in the network of this process, which `network` stands for. May
/// change errno.
bool isLeased(std::uint16_t port, std::uint64_t network);

/// The number that stands for the network of a socket, as it does for leases: below 2^31, or 0 if
/// it is not known. May change errno.
std::uint64_t networkOf(int socket);

}  // namespace portpool::audit
