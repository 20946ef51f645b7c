#include "shared_file.hpp"

#include "../posix/sockets.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

namespace portpool::platform {
namespace {

bool isThere(const std::string& path) noexcept {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0;
}

}  // namespace

Socket openSharedFile(const std::string& path, int access, mode_t mode) noexcept {
  const int flags = access | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  // Without O_CREAT first: in a sticky directory the system refuses that for another user's file.
  Socket file(::open(path.c_str(), flags));
  if (!file && errno == ENOENT) {
    file = Socket(::open(path.c_str(), flags | O_CREAT | O_EXCL, mode));
    if (file) ::fchmod(file.get(), mode);
    if (!file && errno == EEXIST) file = Socket(::open(path.c_str(), flags));
  }
  return file ? aboveStandard(std::move(file)) : std::move(file);
}

int makeSharedFile(const std::string& path, mode_t mode) {
  if (isThere(path)) return 0;
  std::string name = path + ".XXXXXX";
  const Socket file(::mkostemp(name.data(), O_CLOEXEC));
  if (!file) return errno;
  const bool isMade = ::fchmod(file.get(), mode) == 0 && ::link(name.c_str(), path.c_str()) == 0;
  const int error = isMade ? 0 : errno;
  ::unlink(name.c_str());
  return isThere(path) ? 0 : error;
}

bool isAtPath(int file, const std::string& path) noexcept {
  struct stat own {
  }, there{};
  return ::fstat(file, &own) == 0 && ::stat(path.c_str(), &there) == 0 &&
         own.st_dev == there.st_dev && own.st_ino == there.st_ino;
}

}  // namespace portpool::platform
