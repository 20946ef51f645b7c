// The lock file where the system's locks fail.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdint>

#include <portpool/errors.hpp>

#include "platform/lock_file/lock_file.hpp"
#include "surroundings.hpp"

namespace portpool::test {

/// So many of the next calls to end a lock fail, as without memory.
std::atomic<int> failingUnlocks{0};

/// Calls about locks succeed, and do nothing.
std::atomic<bool> ignoresLocks{false};

namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(LockFile, ThatIsNotUnlockedAtOnceIsUnlockedLater) {
  const ScopedFolder folder;
  const auto registry = platform::makeLockFileRegistry(folder.path("lock"));
  const auto other = platform::makeLockFileRegistry(folder.path("lock"));
  for (const std::uint64_t key : {20000U, 20001U}) {
    auto lease = registry->tryAcquire(key);
    ASSERT_TRUE(lease);
    failingUnlocks = 1;
    lease.reset();
    EXPECT_EQ(failingUnlocks, 0);
    if (key == 20000U) {
      EXPECT_TRUE(registry->tryAcquire(key)) << "in the process itself";
    } else {
      EXPECT_TRUE(registry->tryAcquire(20002));
    }
    EXPECT_TRUE(other->tryAcquire(key)) << "in another";
  }
}

TEST(LockFile, OfASystemThatDoesNotLockIsAnError) {
  const ScopedFolder folder;
  const auto path = folder.file("lock", "");
  ignoresLocks = true;
  EXPECT_THAT([&] { platform::checkLocks(path); },
              ThrowsMessage<PortPoolError>(HasSubstr("does not lock " + path)));
  ignoresLocks = false;
}

}  // namespace
}  // namespace portpool::test

/// Takes the place of the C library's for this program, portpool included, which is built for files
/// of any size on any system.
// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): there they are reserved
#ifdef __GLIBC__
extern "C" int fcntl64(int descriptor, int command, ...) {
#else
extern "C" int fcntl(int descriptor, int command, ...) {
#endif
  // NOLINTEND(readability-inconsistent-declaration-parameter-name)
  va_list rest;
  va_start(rest, command);
  void* argument = va_arg(rest, void*);
  va_end(rest);
  using portpool::test::ignoresLocks;
  auto& failing = portpool::test::failingUnlocks;
  if (ignoresLocks && (command == F_OFD_SETLK || command == F_OFD_GETLK)) return 0;
  if (command == F_OFD_SETLK && static_cast<const struct flock*>(argument)->l_type == F_UNLCK &&
      failing > 0) {
    --failing;
    errno = ENOLCK;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_fcntl, descriptor, command, argument));
}
