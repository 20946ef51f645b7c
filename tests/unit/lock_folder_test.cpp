// The folder of the lease registry by lock folder.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>

#include <portpool/errors.hpp>

#include "fork.hpp"
#include "platform/freebsd/lock_folder.hpp"
#include "platform/socket.hpp"
#include "surroundings.hpp"

namespace portpool::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

void expectUnusable(const std::string& path) {
  EXPECT_THAT([&] { platform::makeLockFolderRegistry(path); },
              ThrowsMessage<PortPoolError>(
                  AllOf(HasSubstr("folder of leases " + path),
                        HasSubstr("make it a folder in which every user can make files"))));
}

class LockFolder : public ::testing::Test {
 protected:
  bool isThere(const std::string& name) const {
    return std::filesystem::exists(std::filesystem::symlink_status(path + '/' + name));
  }

  const ScopedFolder folder;
  const std::string path = folder.path("leases");
};

TEST_F(LockFolder, IsForEveryUserWhateverTheUmask) {
  checkInChild([&] {
    ::umask(0077);
    const auto lease = platform::makeLockFolderRegistry(path)->tryAcquire(20000);
    struct stat status {};
    EXPECT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 01777U);
    EXPECT_EQ(::stat((path + "/20000").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0444U);
  });
}

TEST_F(LockFolder, IsWritableAsSoonAsItIsThere) {
  ASSERT_EQ(::chmod(folder.path("").c_str(), 01777), 0);
  EXPECT_TRUE(actAtOnceWithAnotherUser(isEmulated() ? 100 : 1000, [&](int i) {
    platform::makeLockFolderRegistry(path + std::to_string(i));
  }));
}

TEST_F(LockFolder, IsNoLinkAndNoFile) {
  const auto link = folder.path("link");
  ASSERT_EQ(::symlink(folder.path("").c_str(), link.c_str()), 0);
  expectUnusable(link);
  expectUnusable(folder.file("file", ""));
  expectUnusable(folder.path("none/leases"));
}

TEST_F(LockFolder, ThatThisUserMayNotWriteIsAnError) {
  checkInChild([&] {
    ASSERT_EQ(::mkdir(path.c_str(), 0555), 0);
    giveUpCapabilities();
    expectUnusable(path);
  });
}

TEST_F(LockFolder, OfWhichAnotherSharesALockKeepsThatPortAlone) {
  const auto registry = platform::makeLockFolderRegistry(path);
  const auto file = folder.file("leases/20000", "");
  const platform::Socket looker(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(::flock(looker.get(), LOCK_SH), 0);  // as of a process that is stopped while it looks
  EXPECT_FALSE(registry->tryAcquire(20000));
  EXPECT_TRUE(registry->tryAcquire(20001));
}

TEST_F(LockFolder, OfWhichAFileIsALinkKeepsThatPortAlone) {
  const auto registry = platform::makeLockFolderRegistry(path);
  ASSERT_EQ(::symlink("/dev/null", (path + "/20000").c_str()), 0);
  EXPECT_FALSE(registry->tryAcquire(20000));
  EXPECT_TRUE(registry->isLeased(20000));
}

TEST_F(LockFolder, ThatWasRemovedHasNoFileOfAnEarlierLease) {
  const auto registry = platform::makeLockFolderRegistry(path);
  auto earlier = registry->tryAcquire(20000);
  std::filesystem::remove_all(path);
  const auto lease = registry->tryAcquire(20000);
  earlier.reset();
  EXPECT_TRUE(lease);
  EXPECT_FALSE(registry->tryAcquire(20000));
}

TEST_F(LockFolder, KeepsNoFileOfALeaseThatEnded) {
  const auto registry = platform::makeLockFolderRegistry(path);
  auto lease = registry->tryAcquire(20000);
  EXPECT_TRUE(isThere("20000"));
  lease.reset();
  EXPECT_FALSE(isThere("20000"));
}

TEST_F(LockFolder, LeasesWhatAKilledProcessHad) {
  const auto registry = platform::makeLockFolderRegistry(path);
  Signal isLeased;
  ForkedChild holder([&] {
    const auto lease = platform::makeLockFolderRegistry(path)->tryAcquire(20000);
    if (lease) isLeased.send();
    sleepUntilKilled();
  });
  isLeased.await();
  EXPECT_FALSE(registry->tryAcquire(20000));
  holder.kill();
  EXPECT_TRUE(isThere("20000"));
  EXPECT_FALSE(registry->isLeased(20000));
  EXPECT_TRUE(registry->tryAcquire(20000));
}

TEST_F(LockFolder, IsMadeAgainWhenItWasRemoved) {
  const auto registry = platform::makeLockFolderRegistry(path);
  ASSERT_EQ(::rmdir(path.c_str()), 0);
  EXPECT_FALSE(registry->isLeased(20000));
  EXPECT_TRUE(registry->tryAcquire(20000));
}

TEST_F(LockFolder, ShowsThePortsThatAreLeased) {
  EXPECT_EQ(platform::portsLeasedIn(path), PortSet());
  const auto registry = platform::makeLockFolderRegistry(path);
  const auto port = registry->tryAcquire(20000), line = registry->tryAcquire(1U << 30);
  folder.file("leases/20001", "");
  folder.file("leases/20000x", "");
  EXPECT_EQ(platform::portsLeasedIn(path), PortSet({{20000, 20000}}));
}

TEST_F(LockFolder, OfWhichAFileMayNotBeOpenedKeepsThatPortAlone) {
  checkInChild([&] {
    const auto registry = platform::makeLockFolderRegistry(path);
    folder.file("leases/20000", "");
    ::chmod((path + "/20000").c_str(), 0);
    giveUpCapabilities();
    EXPECT_FALSE(registry->tryAcquire(20000));
    EXPECT_TRUE(registry->isLeased(20000));
    EXPECT_TRUE(registry->tryAcquire(20001));
  });
}

// To look for a lease, one shares its lock for an instant.
TEST_F(LockFolder, IsLookedAtWithoutKeepingAnybodyOff) {
  const auto registry = platform::makeLockFolderRegistry(path);
  std::atomic<bool> isOver = false;
  folder.file("leases/20000", "");  // as of a killed process: there is something to look at
  std::thread reader([&] {
    while (!isOver) registry->isLeased(20000);
  });
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(registry->tryAcquire(20000));
    folder.file("leases/20000", "");
  }
  isOver = true;
  reader.join();
}

}  // namespace
}  // namespace portpool::test
