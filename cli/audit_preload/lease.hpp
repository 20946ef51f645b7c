#pragma once

#include "log.hpp"

#include <sys/socket.h>

#include <cstdint>

namespace portpool::audit {

/// Who leases the port in the network of this process, which `network` stands for. May change
/// errno.
Lease leaseOf(std::uint16_t port, std::uint64_t network);

/// Remembers that this process leases a port, if it has bound the name of a lease.
void noteLease(const sockaddr* address, socklen_t size);

/// The number that stands for the network of a socket, as it does for leases: below 2^31, or 0 if
/// it is not known. May change errno.
std::uint64_t networkOf(int socket);

}  // namespace portpool::audit
