// The file of the lease registry by lock file.

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <iterator>
#include <string>

#include <portpool/errors.hpp>

#include "fork.hpp"
#include "platform/lock_file/lock_file.hpp"
#include "surroundings.hpp"

namespace portpool::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

mode_t modeOf(const std::string& path) {
  struct stat status {};
  EXPECT_EQ(::lstat(path.c_str(), &status), 0);
  return status.st_mode & 07777;
}

void expectRefused(const std::string& path, const std::string& reason) {
  EXPECT_THAT(
      [&] { platform::makeLockFileRegistry(path); },
      ThrowsMessage<PortPoolError>(AllOf(HasSubstr("lock file " + path), HasSubstr(reason))));
}

TEST(LockFile, IsWritableByEveryUserWhateverTheUmask) {
  checkInChild([] {
    const ScopedFolder folder;
    for (const mode_t mask : {mode_t{0777}, mode_t{0077}, mode_t{0022}, mode_t{0}}) {
      const auto path = folder.path("lock" + std::to_string(mask));
      ::umask(mask);
      platform::makeLockFileRegistry(path);
      EXPECT_EQ(modeOf(path), 0666U) << "umask " << mask;
    }
  });
}

TEST(LockFile, IsWritableAsSoonAsItIsThere) {
  const ScopedFolder folder;
  ASSERT_EQ(::chmod(folder.path("").c_str(), 01777), 0);
  EXPECT_TRUE(actAtOnceWithAnotherUser(isEmulated() ? 100 : 1000, [&](int i) {
    platform::makeLockFileRegistry(folder.path(std::to_string(i)));
  }));
}

TEST(LockFile, StaysAsItIsWhenItIsThere) {
  const ScopedFolder folder;
  const auto path = folder.file("lock", "precious");
  ::chmod(path.c_str(), 0600);
  EXPECT_TRUE(platform::makeLockFileRegistry(path)->tryAcquire(20000));
  EXPECT_EQ(modeOf(path), 0600U);
  EXPECT_EQ(std::filesystem::file_size(path), 8U);
}

TEST(LockFile, IsNoLinkToWhatOthersChoose) {
  const ScopedFolder folder;
  const auto target = folder.file("target", "");
  const auto link = folder.path("link"), dangling = folder.path("dangling");
  ASSERT_EQ(::symlink(target.c_str(), link.c_str()), 0);
  ASSERT_EQ(::symlink(folder.path("made").c_str(), dangling.c_str()), 0);
  expectRefused(link, "make it a file that every user can write, or remove it");
  expectRefused(dangling, "make it a file that every user can write, or remove it");
  EXPECT_FALSE(std::filesystem::exists(folder.path("made")));
}

TEST(LockFile, IsARegularFile) {
  const ScopedFolder folder;
  const auto fifo = folder.path("fifo");
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0666), 0);
  expectRefused(fifo, "is not a regular file; remove it");
  expectRefused("/dev/null", "is not a regular file; remove it");
  expectRefused(folder.path(""), "Is a directory");
}

TEST(LockFile, InAMissingFolderIsAnError) {
  expectRefused(ScopedFolder().path("none/lock"),
                "No such file or directory); let this user make files in its folder");
}

TEST(LockFile, ThatMayNotBeWrittenIsAnError) {
  checkInChild([] {
    const ScopedFolder folder;
    const auto path = folder.file("lock", "");
    ::chmod(path.c_str(), 0444);
    giveUpCapabilities();
    expectRefused(path, "Permission denied); make it a file that every user can write, or remove");
  });
}

TEST(LockFile, CannotBeMadeInAFolderThatMayNotBeWritten) {
  checkInChild([] {
    const ScopedFolder folder;
    ::chmod(folder.path("").c_str(), 0555);
    giveUpCapabilities();
    expectRefused(folder.path("lock"),
                  "Permission denied); let this user make files in its folder");
    ::chmod(folder.path("").c_str(), 0755);
  });
}

TEST(LockFile, CannotBeMadeInAFolderThatIsMountedForReading) {
  const ScopedFolder folder;
  checkInChild([&] {
    mountForReading(folder.path(""));
    expectRefused(folder.path("lock"), "Read-only file system); mount its folder so that");
  });
}

TEST(LockFile, OfAnotherUserInAFolderForAllCanBeUsed) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become another user";
  const ScopedFolder folder;
  ::chmod(folder.path("").c_str(), 01777);
  const auto path = folder.path("lock");
  checkInChild([&] {
    becomeUser(1);
    ::umask(077);
    EXPECT_TRUE(platform::makeLockFileRegistry(path)->tryAcquire(20000));
  });
  // Root without its powers: the system lets it not open another's file there with O_CREAT.
  checkInChild([&] {
    giveUpCapabilities();
    EXPECT_TRUE(platform::makeLockFileRegistry(path)->tryAcquire(20000));
  });
}

TEST(LockFile, IsClosedWhenNobodyNeedsItAnyMore) {
  const ScopedFolder folder;
  const auto path = folder.path("lock");
  const auto descriptors = [] {
    using Entries = std::filesystem::directory_iterator;
    return std::distance(Entries("/dev/fd"), Entries());
  };
  const auto before = descriptors();
  auto registry = platform::makeLockFileRegistry(path);
  auto lease = registry->tryAcquire(20000);
  EXPECT_EQ(descriptors(), before + 1);
  registry.reset();
  lease.reset();
  EXPECT_EQ(descriptors(), before);
}

TEST(LockFile, OfASystemThatLocksIsFoundInOrder) {
  const ScopedFolder folder;
  const auto path = folder.file("lock", "");
  const auto registry = platform::makeLockFileRegistry(path);
  const auto lease = registry->tryAcquire(20000);
  for (int i = 0; i < 2; ++i) EXPECT_NO_THROW(platform::checkLocks(path));
}

TEST(LockFile, ThatIsRemovedIsMadeAnew) {
  const ScopedFolder folder;
  const auto path = folder.path("lock");
  const auto one = platform::makeLockFileRegistry(path);
  auto old = one->tryAcquire(20000);
  ASSERT_EQ(::unlink(path.c_str()), 0);
  const auto lease = one->tryAcquire(20001);
  ASSERT_TRUE(lease);
  checkInChild([&] {
    const auto other = platform::makeLockFileRegistry(path);
    EXPECT_FALSE(other->tryAcquire(20001)) << "leased after the file was removed";
    EXPECT_FALSE(other->tryAcquire(20000)) << "leased before, and once more since";
    EXPECT_TRUE(other->tryAcquire(20002)) << "free";
  });
  old.reset();
  checkInChild([&] { EXPECT_TRUE(platform::makeLockFileRegistry(path)->tryAcquire(20000)); });
}

}  // namespace
}  // namespace portpool::test
