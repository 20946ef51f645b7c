#pragma once

// What the files that use Winsock share.

#include "windows.hpp"

namespace portpool::platform {

/// Starts Winsock for this process, unless it has; it is stopped when the process ends. Throws
/// PortPoolError.
void startWinsock();

}  // namespace portpool::platform
