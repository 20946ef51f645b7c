#include <portpool/adapter.hpp>

#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include <portpool/errors.hpp>
#include <portpool/port_fixture.hpp>
#include <portpool/port_pool.hpp>
#include <portpool/ports.hpp>

#include "surroundings.hpp"

namespace portpool::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(PortScope, OwnsItsPortsUntilItEnds) {
  std::uint16_t first = 0, second = 0;
  {
    const PortScope scope;
    EXPECT_THAT(scope.ports(), IsEmpty());
    first = getNextAvailableTCPPort();
    second = getNextAvailableTCPPort();
    EXPECT_NE(first, second);
    EXPECT_THAT(scope.ports(), ElementsAre(first, second));
    EXPECT_TRUE(isLeased(first));
    EXPECT_TRUE(isLeased(second));
  }
  EXPECT_FALSE(isLeased(first));
  EXPECT_FALSE(isLeased(second));
}

TEST(PortScope, TheInnermostGetsThePorts) {
  const PortScope suite;
  const auto suites = getNextAvailableTCPPort();
  std::uint16_t tests = 0;
  {
    const PortScope test;
    tests = getNextAvailableTCPPort();
    EXPECT_THAT(test.ports(), ElementsAre(tests));
    EXPECT_THAT(suite.ports(), ElementsAre(suites));
  }
  EXPECT_TRUE(isLeased(suites));
  EXPECT_FALSE(isLeased(tests));
}

TEST(PortScope, RemembersThePortsOfScopesThatEndedWithinIt) {
  const PortScope run;
  std::vector<std::uint16_t> all{getNextAvailableTCPPort()};
  {
    const PortScope suite;
    all.push_back(getNextAvailableTCPPort());
    {
      const PortScope test;
      all.push_back(getNextAvailableTCPPort());
    }
    EXPECT_THAT(suite.ports(), ElementsAre(all[1], all[2]));
    EXPECT_THAT(run.ports(), ElementsAre(all[0]));
  }
  all.push_back(getNextAvailableTCPPort());
  EXPECT_EQ(run.ports(), all);
}

TEST(PortScope, EndsInAnyOrder) {
  std::optional<PortScope> outer(std::in_place);
  const auto a = getNextAvailableTCPPort();
  std::optional<PortScope> middle(std::in_place);
  const auto b = getNextAvailableTCPPort();
  std::optional<PortScope> inner(std::in_place);
  const auto c = getNextAvailableTCPPort();
  middle.reset();
  EXPECT_FALSE(isLeased(b));
  EXPECT_THAT(outer->ports(), ElementsAre(a, b));
  const auto d = getNextAvailableTCPPort();
  EXPECT_THAT(inner->ports(), ElementsAre(c, d));
  outer.reset();
  EXPECT_FALSE(isLeased(a));
  EXPECT_TRUE(isLeased(c));
  EXPECT_THAT(inner->ports(), ElementsAre(c, d));
  inner.reset();
  EXPECT_FALSE(isLeased(c));
  EXPECT_FALSE(isLeased(d));
}

TEST(PortScope, WithoutOneAPortIsTheProcesss) {
  const auto allocated = [] { return PortPool::process().statistics().allocated; };
  const auto before = allocated();
  const auto port = getNextAvailableTCPPort();
  { const PortScope scope; }
  EXPECT_TRUE(isLeased(port));
  EXPECT_EQ(allocated(), before + 1);
}

TEST(PortScope, AFailedAllocationLeavesItAsItWas) {
  const PortScope scope;
  EXPECT_THROW(getNextAvailableTCPPort({"misspelt..localhost"}), HostError);
  EXPECT_THAT(scope.ports(), IsEmpty());
}

TEST(PortScope, ThreadsAllocateWhileScopesComeAndGo) {
  std::atomic<bool> isOver{false};
  std::atomic<int> allocations{0};
  const auto before = PortPool::process().statistics().allocated;
  {
    const PortScope run;
    std::vector<std::thread> threads;
    threads.reserve(4);
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        while (!isOver) {
          EXPECT_NE(getNextAvailableTCPPort(), 0);
          ++allocations;
        }
      });
    }
    while (allocations < 500) {
      const PortScope test;
      const auto ports = test.ports();
      EXPECT_EQ(std::set<std::uint16_t>(ports.begin(), ports.end()).size(), ports.size());
      std::this_thread::yield();
    }
    isOver = true;
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(run.ports().size(), static_cast<std::size_t>(allocations.load()));
  }
  EXPECT_EQ(PortPool::process().statistics().allocated, before);
}

// ---- PortFixture --------------------------------------------------------------------------------

struct Base {};

struct Fixture : PortFixture<Base> {
  using PortFixture::getNextAvailableTCPPort;
  struct Witness {
    explicit Witness(std::uint16_t p) : port(p) {}
    ~Witness() { EXPECT_TRUE(isLeased(port)) << "returned before the fixture's members ended"; }
    std::uint16_t port;
  };
  Witness server{getNextAvailableTCPPort()};
};

TEST(PortFixture, LeavesItsPortsToTheInnermostScope) {
  std::optional<PortScope> scope(std::in_place);
  std::optional<Fixture> fixture(std::in_place);
  const auto port = fixture->server.port;
  const auto another = fixture->getNextAvailableTCPPort({"127.0.0.1"}, AddressFamily::IPv4);
  EXPECT_THAT(scope->ports(), ElementsAre(port, another));
  fixture.reset();
  EXPECT_TRUE(isLeased(port));
  EXPECT_TRUE(isLeased(another));
  scope.reset();
  EXPECT_FALSE(isLeased(port));
  EXPECT_FALSE(isLeased(another));
}

}  // namespace
}  // namespace portpool::test
