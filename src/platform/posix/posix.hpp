#pragma once

// What the POSIX systems share beneath the seam.

#include "platform/socket.hpp"

#include <portpool/port_request.hpp>

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace portpool::platform {

/// Throws the exception for the failed system call `call`: DescriptorLimitError if there was no
/// descriptor left, otherwise PortPoolError.
[[noreturn]] void throwSystemError(const std::string& call, int error);

// ---- Leases -------------------------------------------------------------------------------------

/// A number below 2^31 that stands for the network that this process's ports are in: the same in
/// every process, whatever it can see of /proc. Throws PortPoolError if it is not known.
std::uint64_t networkId();

/// Whether some process holds the lock of a key in the file at `path`, as leases by lock file are.
bool isLocked(const char* path, std::uint64_t key);

/// Whether other processes of this machine may have leases by abstract names.
bool othersMayLeaseByAbstractNames();

/// Whether one of them leases the port, as far as the system shows it.
bool isLeasedByAbstractName(std::uint16_t port);

// ---- Sockets ------------------------------------------------------------------------------------

sockaddr* raw(SocketAddress& address);
int familyOf(SocketAddress& address);
std::uint16_t portOf(SocketAddress& address);
std::uint16_t portOfSocket(int socket);

/// An address of the family from its bytes, as they go over the network: 4 or 16. One of IPv4 that
/// is mapped into IPv6 is that of IPv4.
SocketAddress addressFrom(int family, const void* bytes);

/// 0.0.0.0, for a kernel without IPv6.
SocketAddress everyIPv4Address();
bool isEveryAddress(SocketAddress& address);

/// Whether a socket bound to `wide` keeps every other off `address`.
bool covers(SocketAddress& wide, bool isDualStack, SocketAddress& address);

/// Whether of two sockets on one port, bound to these addresses, one keeps off the other, or may:
/// whether the other serves both families, should it be of IPv6, is not known.
bool meets(SocketAddress& one, bool isDualStack, SocketAddress& other);

/// These throw as throwSystemError() does.
void setOption(int socket, int level, int option, int value);
int getOption(int socket, int level, int option);

/// Makes an IPv6 socket serve both families, or its own only.
void setDualStack(const Socket& socket, int domain, bool isDualStack);

/// Throws HostError: the host is not an address of this machine.
[[noreturn]] void throwNotLocal(const std::string& host, AddressFamily family);

}  // namespace portpool::platform
