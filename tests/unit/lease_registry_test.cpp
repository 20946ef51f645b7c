// What every registry of leases promises, of every kind that the system has.

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "lease_registry.hpp"

namespace portpool::test {
namespace {

INSTANTIATE_TEST_SUITE_P(Lease, Registry, ::testing::ValuesIn(registryKinds()),
                         [](const auto& kind) { return kind.param.name; });

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

}  // namespace
}  // namespace portpool::test
