// Who waits for ports, and who is served when.

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <functional>
#include <stdexcept>
#include <thread>
#include <vector>

#include <portpool/portpool.hpp>

#include "fork.hpp"
#include "platform/lease.hpp"
#include "unit/surroundings.hpp"
#include "waiting_line.hpp"

namespace portpool::test {
namespace {

PortSet freeBlock(std::size_t count) {
  const auto owners = PortPool(getServerTCPPorts()).allocateBlock(count);
  return {{owners.front().port(), owners.back().port()}};
}

std::size_t waitersIn(const WaitingLine& line) {
  std::size_t count = 0;
  for (std::uint64_t place = 1; place <= WaitingLine::kRing; ++place) {
    if (line.isLeased(place)) ++count;
  }
  return count;
}

/// Waits until so many are in line, and the first of them at its front.
void untilInLine(const PortSet& ports, std::size_t count) {
  const auto registry = platform::makeLeaseRegistry();
  const WaitingLine line(*registry, ports);
  while (waitersIn(line) < count || !line.isAnyoneWaiting()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

using Owners = std::vector<TCPPortOwner>;
using Take = std::function<Owners(PortPool&)>;

Owners single(PortPool& pool) {
  Owners owners;
  owners.push_back(pool.allocate());
  return owners;
}
Take block(std::size_t count) {
  return [=](PortPool& pool) { return pool.allocateBlock(count); };
}
Take set(std::size_t count) {
  return [=](PortPool& pool) { return pool.allocateSeveral(count); };
}

// ---- First come, first served -------------------------------------------------------------------

struct Served {
  std::atomic<int> count{0};
  std::array<std::atomic<int>, 40> order{};
};

/// Children that come one after the other, each to take its ports and keep them for as long as a
/// test takes. Returns their numbers in the order in which they are served after `release`.
std::vector<int> orderServed(const PortSet& ports, const std::vector<Take>& takers,
                             std::chrono::milliseconds test, const std::function<void()>& release) {
  const Shared<Served> served;
  std::vector<ForkedChild> waiters;
  for (std::size_t i = 0; i < takers.size(); ++i) {
    waiters.emplace_back([&, i] {
      PortPool own(ports);
      const auto taken = takers[i](own);
      served->order[static_cast<std::size_t>(served->count++)] = static_cast<int>(i);
      std::this_thread::sleep_for(test);
    });
    untilInLine(ports, i + 1);
  }
  release();
  for (auto& waiter : waiters) EXPECT_TRUE(waiter.succeeds());
  const auto* const first = served->order.begin();
  return {first, first + takers.size()};
}

void expectInOrder(const std::vector<int>& order) {
  for (std::size_t i = 0; i < order.size(); ++i) EXPECT_EQ(order[i], static_cast<int>(i));
}

TEST(Order, IsThatOfArrivalWhateverIsWanted) {
  const std::array<Take, 3> kinds = {single, block(2), set(2)};
  std::vector<Take> takers;
  for (std::size_t i = 0; i < 40; ++i) takers.push_back(kinds[i % kinds.size()]);
  PortPool pool(freeBlock(2));
  auto owners = pool.allocateSeveral(2);
  const auto order =
      orderServed(pool.ports(), takers, std::chrono::milliseconds::zero(), [&] { owners.clear(); });
  // Two single ports may be had at one time.
  int outOfOrder = 0;
  for (std::size_t i = 0; i + 1 < order.size(); ++i) {
    if (order[i] > order[i + 1]) ++outOfOrder;
    EXPECT_NEAR(order[i], static_cast<int>(i), 1);
  }
  EXPECT_LE(outOfOrder, 2);
}

// Its port is of no use to any of them.
TEST(Order, IsThatOfArrivalThoughAForeignServerHasAPort) {
  constexpr std::chrono::milliseconds kTest{300};
  PortRequest request;
  request.hosts = {"127.0.0.1"};
  request.family = AddressFamily::IPv4;
  PortPool pool(freeBlock(2));
  const auto server = listenOn(*pool.ports().begin(), "0.0.0.0");
  auto owner = pool.allocate(request);
  const std::vector<Take> takers(6, [&](PortPool& own) { return own.allocateSeveral(1, request); });
  expectInOrder(orderServed(pool.ports(), takers, kTest, [&] {
    std::this_thread::sleep_for(kTest);  // the first looks several times
    owner.cleanup();
  }));
}

TEST(Order, IsThatOfArrivalAmongThreads) {
  PortPool pool(freeBlock(1));
  auto owners = pool.allocateSeveral(1);
  std::vector<int> order;
  std::vector<std::thread> waiters;
  waiters.reserve(40);
  for (int i = 0; i < 40; ++i) {
    waiters.emplace_back([&, i] {
      const auto owner = pool.allocate();
      order.push_back(i);  // one at a time has the port
    });
    untilInLine(pool.ports(), static_cast<std::size_t>(i) + 1);
  }
  owners.clear();
  for (auto& waiter : waiters) waiter.join();
  for (int i = 0; i < 40; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

// Whoever is not first does not look for itself, however long it waits.
TEST(Order, IsThatOfArrivalForThoseWhoWaitForSeconds) {
  constexpr std::chrono::milliseconds kTest{200};
  PortPool pool(freeBlock(1));
  auto owner = pool.allocate();
  const std::vector<Take> takers(15, single);
  expectInOrder(orderServed(pool.ports(), takers, kTest, [&] { owner.cleanup(); }));
}

struct Contest {
  std::atomic<std::size_t> ready{0};
  std::atomic<bool> isOver{false};
  std::array<std::atomic<int>, 4> taken{};
};

/// Children that each take and return ports of one pool, again and again, until the last of them
/// has had `turns` turns. Returns how many turns each had.
std::vector<int> takeTurns(const PortSet& ports, const std::vector<Take>& takers, int turns) {
  const Shared<Contest> shared;
  std::vector<ForkedChild> children;
  for (std::size_t i = 0; i < takers.size(); ++i) {
    const bool isLast = i + 1 == takers.size();
    children.emplace_back([&, i, isLast] {
      PortPool pool(ports);
      ++shared->ready;
      while (shared->ready < takers.size()) std::this_thread::yield();
      while (!shared->isOver) {
        const auto owners = takers[i](pool);
        ++shared->taken[i];
        if (isLast && shared->taken[i] == turns) shared->isOver = true;
      }
    });
  }
  for (auto& child : children) EXPECT_TRUE(child.succeeds());
  std::vector<int> taken;
  for (std::size_t i = 0; i < takers.size(); ++i) taken.push_back(shared->taken[i]);
  return taken;
}

/// The last was not passed over again and again. On a busy machine others have many turns while it
/// is not in line, since it does not run.
void expectFair(const std::vector<int>& taken) {
  constexpr int kMost = 20;
  for (const auto each : taken) {
    EXPECT_LE(each, kMost * taken.back()) << ::testing::PrintToString(taken);
  }
}

TEST(Order, OneWhoReturnsABlockAndAsksAgainIsBehindThoseWhoWait) {
  expectFair(takeTurns(freeBlock(4), {block(4), block(4)}, 300));
}

TEST(Order, ASinglePortHasItsTurnBesideBlocksOfOne) {
  expectFair(takeTurns(freeBlock(1), {block(1), block(1), block(1), single}, 300));
}

TEST(Order, ABlockHasItsTurnBesideSinglePorts) {
  expectFair(takeTurns(freeBlock(2), {single, single, single, block(2)}, 300));
}

TEST(Order, ASetHasItsTurnBesideBlocks) {
  expectFair(takeTurns(freeBlock(3), {block(2), block(2), set(3)}, 300));
}

TEST(Order, OneForWhomManyPortsSeemFreeIsBehindThoseWhoWait) {
  constexpr std::size_t kFree = 200;
  const auto ports = freeBlock(kFree);
  const auto registry = platform::makeLeaseRegistry();
  const WaitingLine line(*registry, ports);
  PortPool pool(ports);
  auto owner = pool.allocate();
  Signal hasRest;
  const ForkedChild rest([&] {
    const auto owners = PortPool(ports).allocateSeveral(kFree - 1);
    hasRest.send();
    sleepUntilKilled();
  });
  hasRest.await();
  ForkedChild waiter([&] { PortPool(ports).allocate(); });
  untilInLine(ports, 1);
  owner.cleanup();
  pool.allocate();
  EXPECT_EQ(waitersIn(line), 0);
  EXPECT_TRUE(waiter.succeeds());
}

// ---- Those who cannot be served -----------------------------------------------------------------

TEST(Order, OneWhoCannotBeServedDoesNotKeepTheOthers) {
  for (const auto& all : {block(16), set(16)}) {
    const auto ports = freeBlock(16);
    PortPool pool(ports);
    auto held = pool.allocate();
    Signal isServed;
    ForkedChild waiter([&] {
      PortPool own(ports);
      const auto owners = all(own);
      isServed.send();
    });
    untilInLine(ports, 1);
    const Shared<std::atomic<int>> count;
    ForkedChild other([&] {
      PortPool own(ports);
      while (*count < 2000) {
        own.allocate();
        ++*count;
      }
    });
    EXPECT_TRUE(other.succeeds());  // well before the minute that it would wait
    EXPECT_EQ(*count, 2000);
    held.cleanup();
    EXPECT_TRUE(waiter.succeeds());
  }
}

// They do not have their turns one after the other.
TEST(Order, ManyWhoCannotBeServedDoNotKeepTheOthers) {
  const auto ports = freeBlock(16);
  PortPool pool(ports);
  auto held = pool.allocate();
  std::vector<ForkedChild> waiters;
  for (int i = 0; i < 10; ++i) {
    waiters.emplace_back([&] { PortPool(ports).allocateBlock(16); });
  }
  untilInLine(ports, 1);
  ForkedChild other([&] {
    PortPool own(ports);
    for (int i = 0; i < 2000; ++i) own.allocate();
  });
  EXPECT_TRUE(other.succeeds());
  held.cleanup();
  for (auto& waiter : waiters) EXPECT_TRUE(waiter.succeeds());
}

TEST(Order, OneWhoWaitsForAForeignProgramDoesNotKeepThoseWhoDoNot) {
  for (const auto& take : {Take(single), set(2), block(2)}) {
    const auto ports = freeBlock(4);
    std::vector<platform::Socket> servers;
    for (const auto port : ports) servers.push_back(listenOn(port));
    ForkedChild waiter([&] {
      servers.clear();  // the copies
      PortPool pool(ports);
      take(pool);
    });
    untilInLine(ports, 1);
    PortPool pool(ports);
    PortRequest request;
    request.transport = Transport::UDP;
    for (int i = 0; i < 500; ++i) pool.allocate(request);
    servers.clear();
    EXPECT_TRUE(waiter.succeeds());
  }
}

TEST(Order, OneWhoIsStoppedDoesNotKeepTheOthers) {
  const auto ports = freeBlock(1);
  PortPool pool(ports);
  auto owner = pool.allocate();
  ForkedChild stopped([&] { PortPool(ports).allocate(); });
  untilInLine(ports, 1);
  ::kill(stopped.pid(), SIGSTOP);
  ForkedChild next([&] { PortPool(ports).allocate(); });
  untilInLine(ports, 2);
  owner.cleanup();
  EXPECT_TRUE(next.succeeds());
  ::kill(stopped.pid(), SIGCONT);
  EXPECT_TRUE(stopped.succeeds());
}

TEST(Order, OneWhoIsKilledLeavesItsPlace) {
  const auto ports = freeBlock(1);
  PortPool pool(ports);
  auto owner = pool.allocate();
  std::vector<ForkedChild> waiters;
  for (int i = 0; i < 4; ++i) {
    waiters.emplace_back([&] { PortPool(ports).allocate(); });
    untilInLine(ports, static_cast<std::size_t>(i) + 1);
  }
  waiters[2].kill();
  waiters[0].kill();
  owner.cleanup();
  EXPECT_TRUE(waiters[1].succeeds());
  EXPECT_TRUE(waiters[3].succeeds());
}

// ---- What waiting costs -------------------------------------------------------------------------

TEST(Order, ManyWhoWaitUseNoProcessorToSpeakOf) {
  constexpr auto kTime = std::chrono::seconds(5);  // beside which the start is short
  const auto ports = freeBlock(4);
  PortPool pool(ports);
  const auto owners = pool.allocateSeveral(4);
  std::vector<ForkedChild> waiters;
  const Shared<std::atomic<long>> microseconds;
  for (int i = 0; i < 20; ++i) {
    waiters.emplace_back([&] {
      PortPoolOptions options;
      options.waitTime = kTime;
      PortPool own(ports, options);
      const auto used = [] {
        rusage usage{};
        ::getrusage(RUSAGE_SELF, &usage);
        return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 + usage.ru_utime.tv_usec +
               usage.ru_stime.tv_usec;
      };
      const auto before = used();
      try {
        own.allocate();
        throw std::logic_error("a port that is taken is handed out");
      } catch (const NoPortAvailableError&) {
        *microseconds += used() - before;
      }
    });
  }
  for (auto& waiter : waiters) EXPECT_TRUE(waiter.succeeds());
  // Those who poll use 10 to 40 % of a processor each. A message at the end names who holds what.
  constexpr double kShare = 0.25;
  const auto time = std::chrono::duration_cast<std::chrono::microseconds>(kTime).count();
  EXPECT_LT(static_cast<double>(*microseconds), kShare * static_cast<double>(time));
}

}  // namespace
}  // namespace portpool::test
