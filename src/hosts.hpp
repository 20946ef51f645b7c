#pragma once

// The hosts of a request, as addresses, and which of these have to do with each other.

#include "platform/socket_address.hpp"

#include <portpool/port_request.hpp>

#include <string>
#include <vector>

namespace portpool {

/// The address that stands for every address of the families: for both, a socket is bound to that
/// of IPv6, dual-stack.
platform::SocketAddress everyAddress(AddressFamily family);

/// The addresses of `host`, of the families asked for, with port 0; for "", everyAddress(). Throws
/// HostError if there are none, and otherwise as platform::resolve() does.
std::vector<platform::SocketAddress> addressesOf(const std::string& host, AddressFamily family);

/// Throws HostError: the host is not an address of this machine.
[[noreturn]] void throwNotLocal(const std::string& host, AddressFamily family);

/// The families of a socket that serves the address for a request of `requested`.
AddressFamily familyToServe(const platform::SocketAddress& address, AddressFamily requested);

/// Whether a socket bound to `wide` keeps every other off `address`.
bool covers(const platform::SocketAddress& wide, bool isDualStack,
            const platform::SocketAddress& address);

/// Whether two sockets on the same port, bound to these addresses, exclude each other, or might: it
/// is not known whether a socket at an IPv6 address `other` serves both families.
bool meets(const platform::SocketAddress& one, bool isDualStack,
           const platform::SocketAddress& other);

}  // namespace portpool
