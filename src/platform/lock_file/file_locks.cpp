// Locks of open file descriptions, as Linux and Darwin have them.

#include "file_locks.hpp"

#include <fcntl.h>
#include <sys/types.h>

#include <cerrno>

// Darwin has had them since macOS 10.15: bsd/sys/fcntl.h of XNU defines the commands, and its
// bsd/kern/kern_descrip.c makes the open file the owner, whose last close ends them
// (bsd/vfs/vfs_vnops.c). Apple's public headers leave the commands out. checkLocks() looks whether
// they do what they say before the first lease.
#if defined(__APPLE__) && !defined(F_OFD_SETLK)
#define F_OFD_SETLK 90
#define F_OFD_GETLK 92
#endif

namespace portpool::platform {
namespace {

static_assert(sizeof(off_t) == 8, "a lock's offset needs 64 bits: _FILE_OFFSET_BITS=64");

struct flock lockOf(short type, std::uint64_t byte) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<off_t>(byte);
  lock.l_len = 1;
  return lock;
}

int setLock(int file, short type, std::uint64_t byte) {
  auto lock = lockOf(type, byte);
  return ::fcntl(file, F_OFD_SETLK, &lock) == 0 ? 0 : errno;
}

}  // namespace

int lockByte(int file, std::uint64_t byte) noexcept { return setLock(file, F_WRLCK, byte); }

int unlockByte(int file, std::uint64_t byte) noexcept { return setLock(file, F_UNLCK, byte); }

int findLock(int file, std::uint64_t byte, bool& isLocked) noexcept {
  auto lock = lockOf(F_WRLCK, byte);
  if (::fcntl(file, F_OFD_GETLK, &lock) != 0) return errno;
  isLocked = lock.l_type != F_UNLCK;
  return 0;
}

}  // namespace portpool::platform
