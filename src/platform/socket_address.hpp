#pragma once

#include <portpool/port_request.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace portpool::platform {

/// An address and a port of one of the two families.
struct SocketAddress {
  AddressFamily family = AddressFamily::IPv4;  ///< never Any
  std::array<std::uint8_t, 16> host{};         ///< as on the network: of IPv4, four bytes and zeros
  std::uint16_t port = 0;
  std::uint32_t scope = 0;  ///< the system's number for the interface of a link-local IPv6 address
};

/// Asks the system's resolver for the addresses of `host`, of the families asked for, and adds them
/// to `addresses`, with port 0. Returns "", or why there are none. Throws as throwSystemError()
/// does if the system fails.
std::string resolve(const std::string& host, AddressFamily family,
                    std::vector<SocketAddress>& addresses);

}  // namespace portpool::platform
