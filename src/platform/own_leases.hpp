#pragma once

// Where the system does not tell who has a lease: which are this process's, as far as this copy of
// the library knows.

#include <portpool/port_users.hpp>

#include <cstdint>

namespace portpool::platform {

/// Records, as long as it exists, that this process has the lease of a key.
class OwnLease {
 public:
  explicit OwnLease(std::uint64_t key) noexcept;
  OwnLease(const OwnLease&) = delete;
  OwnLease& operator=(const OwnLease&) = delete;
  ~OwnLease();

 private:
  std::uint64_t key_;
  int process_;  // a forked child's copy is of no lease
};

/// The user of a leased port: this process, without its command, or an unknown one.
PortUser leaseUser(std::uint16_t port);

}  // namespace portpool::platform
