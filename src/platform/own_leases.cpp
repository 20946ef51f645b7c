#include "platform/own_leases.hpp"

#include "platform/port_users.hpp"
#include "platform/process.hpp"

#include <array>
#include <atomic>
#include <cstddef>

namespace portpool::platform {
namespace {

/// The process that has leased the port, which a forked child is not, or 0.
std::array<std::atomic<int>, 65536> leasedBy{};

}  // namespace

OwnLease::OwnLease(std::uint64_t key) noexcept : key_(key), process_(pid()) {
  if (key_ < leasedBy.size()) leasedBy[static_cast<std::size_t>(key_)] = process_;
}

OwnLease::~OwnLease() {
  if (key_ < leasedBy.size() && process_ == pid()) leasedBy[static_cast<std::size_t>(key_)] = 0;
}

PortUser leaseUser(std::uint16_t port) {
  auto user = unknownUser(port, PortUser::Use::Leases, Transport::Both);
  if (leasedBy[port] == pid()) {
    user.pid = pid();
    user.isThisProcess = true;
    user.isExiting = false;
  }
  return user;
}

}  // namespace portpool::platform
