// What every registry of leases promises.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <ostream>
#include <thread>
#include <vector>

#include "fork.hpp"
#include "platform/lease.hpp"
#include "platform/posix/lock_file.hpp"
#include "surroundings.hpp"
#include "system/system.hpp"

namespace portpool::test {
namespace {

using platform::LeaseRegistry;

enum class Kind { AbstractNames, LockFile };

void PrintTo(Kind kind, std::ostream* out) {
  *out << (kind == Kind::LockFile ? "LockFile" : "AbstractNames");
}

class Registry : public ::testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    if (!make()) GTEST_SKIP() << "the system refuses abstract names";
  }

  std::unique_ptr<LeaseRegistry> make() const {
    return GetParam() == Kind::AbstractNames ? makeNamedRegistry()
                                             : platform::makeLockFileRegistry(folder.path("lock"));
  }

  // Above the keys of ports and of waiting lines, and no other process's.
  const std::uint64_t key =
      (std::uint64_t{1} << 30) + 65536 + static_cast<std::uint64_t>(::getpid()) * 128;
  const ScopedFolder folder;
};

INSTANTIATE_TEST_SUITE_P(Lease, Registry, ::testing::Values(Kind::AbstractNames, Kind::LockFile),
                         [](const auto& kind) { return ::testing::PrintToString(kind.param); });

TEST_P(Registry, LeasesAKeyOnce) {
  const auto registry = make();
  const auto lease = registry->tryAcquire(key);
  EXPECT_TRUE(lease);
  EXPECT_FALSE(registry->tryAcquire(key));
  EXPECT_TRUE(registry->tryAcquire(key + 1));
  EXPECT_TRUE(registry->tryAcquire(key - 1));
}

TEST_P(Registry, LeasesAKeyAgainWhenItsLeaseEnded) {
  const auto registry = make();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(registry->tryAcquire(key));
}

TEST_P(Registry, LeasesTheKeysOfPorts) {
  const auto registry = make();
  const auto port = freshPort();
  const auto lease = registry->tryAcquire(port);
  EXPECT_TRUE(lease);
  EXPECT_FALSE(registry->tryAcquire(port));
}

TEST_P(Registry, ExcludesAnotherOfThisProcess) {
  const auto one = make(), other = make();
  auto lease = one->tryAcquire(key);
  EXPECT_TRUE(lease);
  EXPECT_FALSE(other->tryAcquire(key));
  lease.reset();
  EXPECT_TRUE(other->tryAcquire(key));
}

TEST_P(Registry, ALeaseOutlivesIt) {
  auto registry = make();
  const auto lease = registry->tryAcquire(key);
  registry.reset();
  EXPECT_FALSE(make()->tryAcquire(key));
}

TEST_P(Registry, ExcludesThreadsFromEachOther) {
  const auto registry = make();
  std::atomic<int> holders{0}, turns{0};
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, mine = make()] {
      for (int turn = 0; turn < 200;) {
        const auto lease = (turn % 2 == 0 ? registry : mine)->tryAcquire(key);
        if (!lease) {
          std::this_thread::yield();
          continue;
        }
        EXPECT_EQ(++holders, 1);
        ++turns;
        ++turn;
        --holders;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(turns, 800);
}

TEST_P(Registry, ExcludesAForkedChildFromItsParentsLeases) {
  const auto registry = make();
  const auto lease = registry->tryAcquire(key);
  checkInChild([&] {
    EXPECT_FALSE(registry->tryAcquire(key)) << "through the registry that the child inherits";
    EXPECT_FALSE(make()->tryAcquire(key));
  });
}

TEST_P(Registry, ExcludesTheParentFromItsChildsLeases) {
  const auto registry = make();
  Signal isLeased;
  ForkedChild child([&] {
    const auto inherited = registry->tryAcquire(key);
    const auto own = make()->tryAcquire(key + 1);
    if (!inherited || !own) throw std::runtime_error("no lease");
    isLeased.send();
    sleepUntilKilled();
  });
  isLeased.await();
  EXPECT_FALSE(registry->tryAcquire(key));
  EXPECT_FALSE(registry->tryAcquire(key + 1));
  child.kill();
  EXPECT_TRUE(registry->tryAcquire(key));
  EXPECT_TRUE(registry->tryAcquire(key + 1));
}

TEST_P(Registry, AChildThatEndsItsCopyLeavesTheParentsLease) {
  const auto registry = make();
  auto lease = registry->tryAcquire(key);
  checkInChild([&] {
    lease.reset();
    EXPECT_FALSE(registry->tryAcquire(key));
  });
  EXPECT_FALSE(make()->tryAcquire(key));
}

TEST_P(Registry, AParentEndsItsLeaseThoughAChildHasEndedItsCopy) {
  const auto registry = make();
  auto lease = registry->tryAcquire(key);
  Signal isEnded, mayExit;
  ForkedChild child([&] {
    lease.reset();
    isEnded.send();
    mayExit.await();
  });
  isEnded.await();
  lease.reset();
  EXPECT_TRUE(registry->tryAcquire(key));
  mayExit.send();
  EXPECT_TRUE(child.succeeds());
}

TEST_P(Registry, IsNotInheritedByAnotherProgram) {
  const auto inherited = [] {
    std::vector<int> descriptors;
    for (int descriptor = 0; descriptor < 1024; ++descriptor) {
      if (::fcntl(descriptor, F_GETFD) == 0) descriptors.push_back(descriptor);
    }
    return descriptors;
  };
  const auto before = inherited();
  const auto registry = make();
  const auto lease = registry->tryAcquire(key);
  EXPECT_EQ(inherited(), before);
}

TEST_P(Registry, ExcludesOtherUsers) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become another user";
  ::chmod(folder.path("").c_str(), 01777);
  const auto registry = make();
  const auto lease = registry->tryAcquire(key);
  Signal isLeased;
  ForkedChild child([&] {
    becomeUser(1);
    const auto its = make();
    if (its->tryAcquire(key)) throw std::runtime_error("another user's lease");
    const auto own = its->tryAcquire(key + 1);
    if (!own) throw std::runtime_error("no lease");
    isLeased.send();
    sleepUntilKilled();
  });
  isLeased.await();
  EXPECT_FALSE(registry->tryAcquire(key + 1));
  EXPECT_TRUE(registry->tryAcquire(key + 2));
}

// ---- Which registry -----------------------------------------------------------------------------

TEST(LeaseRegistry, IsByAbstractNamesWhereTheyAreAllowed) {
  const auto names = makeNamedRegistry();
  if (!names) GTEST_SKIP() << "the system refuses abstract names";
  const auto port = freshPort();
  const auto lease = platform::makeLeaseRegistry()->tryAcquire(port);
  EXPECT_TRUE(lease);
  EXPECT_FALSE(names->tryAcquire(port));
}

TEST(LeaseRegistry, IsTheLockFileOfTheMachineWhereAbstractNamesAreRefused) {
  const auto ports = freshPorts(20);
  const Shared<std::atomic<std::uint16_t>> leased;
  Signal isLeased;
  ForkedChild holder([&] {
    refuseAbstractNames();
    if (makeNamedRegistry()) throw std::runtime_error("not refused");
    const auto registry = platform::makeLeaseRegistry();
    // The file is there for all networks: another program's lease may be in the way.
    std::unique_ptr<platform::Lease> lease;
    for (auto port = ports.begin(); !lease; ++port) {
      if (port == ports.end()) throw std::runtime_error("no lease");
      lease = registry->tryAcquire(*port);
      *leased = *port;
    }
    isLeased.send();
    sleepUntilKilled();
  });
  isLeased.await();
  checkInChild([&] {
    refuseAbstractNames();
    EXPECT_FALSE(platform::makeLeaseRegistry()->tryAcquire(*leased));
    PortPool pool(PortSet{{*leased, *leased}}, impatient());
    EXPECT_TRUE(allocateAll(pool).empty());
  });
}

}  // namespace
}  // namespace portpool::test
