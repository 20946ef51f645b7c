#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace portpool::platform {

/// A lease of a port by an abstract name.
struct NamedLease {
  std::uint16_t port;
  unsigned long inode;  ///< of its socket
};

/// The leases by abstract names that the kernel's table of AF_UNIX sockets shows, or nothing if it
/// cannot be read.
std::optional<std::vector<NamedLease>> namedLeases(const std::string& table = "/proc/net/unix");

/// The user ID of the AF_UNIX socket's owner, if the kernel shows it.
std::optional<unsigned> ownerOf(unsigned long inode);

}  // namespace portpool::platform
