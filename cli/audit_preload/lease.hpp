#pragma once

#include "log.hpp"

#include <sys/socket.h>

#include <cstdint>

namespace portpool::audit {

/// Who leases the port in the network of this process. May change errno.
Lease leaseOf(std::uint16_t port);

/// Remembers that this process leases a port, if it has bound the name of a lease.
void noteLease(const sockaddr* address, socklen_t size);

/// The number that stands for the network of a socket, or 0 if it is not known. May change errno.
std::uint64_t networkOf(int socket);

}  // namespace portpool::audit
