#pragma once

#include "platform/socket.hpp"

#include <sys/types.h>

#include <string>

namespace portpool::platform {

/// Opens a file that all users share, and makes it with that mode, whatever the umask, if it is not
/// there: at first, other users may be refused it. It is close-on-exec, and no symbolic link that
/// another user chose. None, with errno, if the system refuses it. Call it under NoFork.
Socket openSharedFile(const std::string& path, int access, mode_t mode) noexcept;

/// Makes a file of that mode, whatever the umask, unless the path leads to something already: other
/// users never find it in another mode. Returns 0 or the error. Throws std::bad_alloc. Call it
/// under NoFork.
int makeSharedFile(const std::string& path, mode_t mode);

/// Whether the path still leads to the open file: a cleaner of /tmp may have removed that.
bool isAtPath(int file, const std::string& path) noexcept;

}  // namespace portpool::platform
