#pragma once

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>

namespace portpool::audit {

/// Reads the beginning of a file, with a NUL behind it; returns its size, which is 0 if that fails.
/// May change errno.
inline std::size_t readFile(const char* path, char* text, std::size_t size) {
  text[0] = '\0';
  const auto file = ::syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return 0;
  const auto count = ::syscall(SYS_read, file, text, size - 1);
  ::syscall(SYS_close, file);
  if (count <= 0) return 0;
  text[count] = '\0';
  return static_cast<std::size_t>(count);
}

}  // namespace portpool::audit
