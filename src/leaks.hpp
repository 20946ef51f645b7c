#pragma once

#include "port_pool_impl.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace portpool {

/// What to do about a port that is still in use when its scope ends.
enum class LeakPolicy { Warn, Fail, Ignore };

/// The policy set by the environment variable PORTPOOL_LEAKS, which is read once. Throws
/// PortSpecificationError.
LeakPolicy leakPolicy();

struct Leak {
  std::uint16_t port;
  std::string message;
};

struct Leaks {
  std::vector<Leak> found;           ///< the ports that are in use
  std::vector<std::string> unknown;  ///< a message for each port that the system does not show
};

/// Finds out which of this process's ports are still in use as `phase`, to which they belong, ends.
/// Ends their holds, and gives processes that are exiting, or about to, time to release them. A
/// port whose connections are no longer open in any process, as in TIME_WAIT, is not in use. Throws
/// PortPoolError if the system fails.
Leaks findLeaks(const std::string& phase, const std::vector<detail::Allocation*>& allocations);

}  // namespace portpool
