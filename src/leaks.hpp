#pragma once

#include "port_pool_impl.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace portpool {

/// What becomes of a port that is still in use when its scope ends.
enum class LeakPolicy { Warn, Fail, Ignore };

/// The policy that the environment variable PORTPOOL_LEAKS names, read once. Throws
/// PortSpecificationError.
LeakPolicy leakPolicy();

struct Leak {
  std::uint16_t port;
  std::string message;
};

struct Leaks {
  std::vector<Leak> found;           ///< the ports that are in use
  std::vector<std::string> unknown;  ///< for each that may be, since the system does not tell
};

/// Which of this process's ports are in use, though `phase`, which had them, ends. Ends their
/// holds, and gives whoever is dying, or about to, time to let go. A port that merely has
/// connections that no process has open any more, as in TIME_WAIT, is not in use. Throws
/// PortPoolError if the system fails.
Leaks findLeaks(const std::string& phase, const std::vector<detail::Allocation*>& allocations);

}  // namespace portpool
