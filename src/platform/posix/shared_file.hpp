#pragma once

#include "platform/socket.hpp"

#include <sys/types.h>

#include <string>

namespace portpool::platform {

/// Opens a file that all users share, and makes it with that mode, whatever the umask, if it is not
/// there. It is close-on-exec, and no symbolic link that another user chose. None, with errno, if
/// the system refuses it. Call it under NoFork.
Socket openSharedFile(const std::string& path, int access, mode_t mode) noexcept;

/// Whether the path still leads to the open file: a cleaner of /tmp may have removed that.
bool isAtPath(int file, const std::string& path) noexcept;

}  // namespace portpool::platform
