#pragma once

// Declarations that the files that use Winsock share.

#include "windows.hpp"

namespace portpool::platform {

/// Starts Winsock for this process, once, until its end. Throws PortPoolError.
void startWinsock();

}  // namespace portpool::platform
