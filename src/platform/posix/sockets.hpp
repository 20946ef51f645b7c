#pragma once

// Functions for sockets that the POSIX systems share, beneath the seam.

#include "platform/socket.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

namespace portpool::platform {

enum class Blocking { Yes, No };

/// A socket of the domain and type that is close-on-exec: from the start, if the system can. None,
/// with errno, if the system refuses it.
Socket newSocket(int domain, int type, Blocking blocking = Blocking::Yes) noexcept;

/// The descriptor, or a copy with another number in place of 0, 1 and 2: a program that starts
/// without one of these may open it later, over whatever is there. None, with errno, if the system
/// refuses it.
Socket aboveStandard(Socket descriptor) noexcept;

}  // namespace portpool::platform
