#include <portpool/port_pool.hpp>

#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <ostream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <portpool/errors.hpp>

#include "surroundings.hpp"

namespace portpool::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::ThrowsMessage;
using ::testing::UnorderedElementsAreArray;

TEST(PortPool, NeedsAPort) {
  EXPECT_THAT([] { PortPool{PortSet()}; },
              ThrowsMessage<PortSpecificationError>(HasSubstr("at least one port")));
}

TEST(PortPool, HandsOutEachOfItsPortsOnce) {
  const auto ports = freshPorts(50);
  PortPool pool(ports, impatient());
  EXPECT_EQ(pool.ports(), ports);
  EXPECT_THAT(portsInTurn(pool), UnorderedElementsAreArray(ports.begin(), ports.end()));
}

TEST(PortPool, TheSeedDecidesTheOrder) {
  const auto ports = freshPorts(30);
  const auto orderFor = [&](std::uint64_t seed) {
    PortPool pool(ports, seeded(seed));
    EXPECT_EQ(pool.seed(), seed);
    return portsInTurn(pool);
  };
  EXPECT_EQ(orderFor(7), orderFor(7));
  EXPECT_NE(orderFor(7), orderFor(8));
}

TEST(PortPool, HasASeedOfItsOwnWithoutOne) {
  const auto ports = freshPorts(1);
  EXPECT_NE(PortPool(ports).seed(), PortPool(ports).seed());
}

TEST(PortPool, HandsOutTheLeastRecentlyUsedFirst) {
  PortPool pool(freshPorts(5), impatient());
  auto owners = allocateAll(pool);
  ASSERT_EQ(owners.size(), 5U);
  std::vector<std::uint16_t> returned;
  for (const auto i : {3, 0, 4, 1, 2}) {
    returned.push_back(owners[static_cast<std::size_t>(i)].port());
    owners[static_cast<std::size_t>(i)].cleanup();
  }
  EXPECT_EQ(portsInTurn(pool), returned);
}

TEST(PortPool, AReturnedPortComesBackLast) {
  PortPool pool(freshPorts(6), impatient());
  std::vector<std::uint16_t> order;
  order.reserve(18);
  for (int i = 0; i < 18; ++i) order.push_back(pool.allocate().port());
  const auto round = order.begin() + 6;
  EXPECT_EQ(std::set<std::uint16_t>(order.begin(), round).size(), 6U);
  EXPECT_TRUE(std::equal(round, round + 6, order.begin()));
  EXPECT_TRUE(std::equal(round + 6, order.end(), order.begin()));
}

TEST(PortPool, CountsWhatItDoes) {
  PortPool pool(freshPorts(3), impatient());
  const auto expect = [&](std::size_t allocated, std::size_t peak, std::uint64_t total) {
    const auto statistics = pool.statistics();
    EXPECT_EQ(statistics.size, 3U);
    EXPECT_EQ(statistics.allocated, allocated);
    EXPECT_EQ(statistics.peak, peak);
    EXPECT_EQ(statistics.lifetimeTotal, total);
  };
  expect(0, 0, 0);
  {
    const auto first = pool.allocate();
    expect(1, 1, 1);
    const auto second = pool.allocate();
    expect(2, 2, 2);
  }
  expect(0, 2, 2);
  {
    const auto owners = allocateAll(pool);
    expect(3, 3, 5);
    EXPECT_THROW(pool.allocate(), NoPortAvailableError);
    expect(3, 3, 5);
  }
  expect(0, 3, 5);
}

TEST(PortPool, ServesManyThreads) {
  constexpr int kThreads = 8;
  const int rounds = isEmulated() ? 20 : 200;
  // Fewer ports than threads, so that they also wait for each other.
  PortPool pool(freshPorts(6));
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  std::vector<std::atomic<int>> users(65536);
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < rounds; ++round) {
        const auto owner = pool.allocate();
        EXPECT_EQ(++users[owner.port()], 1) << "two threads have one port";
        --users[owner.port()];
      }
    });
  }
  for (auto& thread : threads) thread.join();
  const auto statistics = pool.statistics();
  EXPECT_EQ(statistics.allocated, 0U);
  EXPECT_LE(statistics.peak, 6U);
  EXPECT_GE(statistics.peak, 1U);
  EXPECT_EQ(statistics.lifetimeTotal, static_cast<std::uint64_t>(kThreads * rounds));
}

TEST(PortPool, TwoPoolsOfOnePortSetExcludeEachOther) {
  const auto ports = freshPorts(20);
  PortPool a(ports, seeded(1)), b(ports, seeded(1));
  std::vector<TCPPortOwner> owners;
  for (int i = 0; i < 10; ++i) {
    owners.push_back(a.allocate());
    owners.push_back(b.allocate());
  }
  EXPECT_THAT(portsOf(owners), UnorderedElementsAreArray(ports.begin(), ports.end()));
  EXPECT_THAT(allocateAll(a), IsEmpty());
  owners.clear();
  EXPECT_EQ(allocateAll(b).size(), 20U);
}

// ---- Hosts --------------------------------------------------------------------------------------

struct BadHosts {
  std::vector<std::string> hosts;
  AddressFamily family;
  const char* complaint;

  friend void PrintTo(const BadHosts& bad, std::ostream* out) { *out << bad.complaint; }
};

class BadHost : public ::testing::TestWithParam<BadHosts> {
 protected:
  static void expectErrorFrom(PortPool& pool) {
    PortRequest request;
    request.hosts = GetParam().hosts;
    request.family = GetParam().family;
    EXPECT_THAT([&] { pool.allocate(request); },
                ThrowsMessage<HostError>(HasSubstr(GetParam().complaint)));
  }
};

// 192.0.2.1 and 2001:db8::1 are set apart for documentation: no machine has them.
INSTANTIATE_TEST_SUITE_P(
    PortPool, BadHost,
    ::testing::Values(
        BadHosts{{}, AddressFamily::Any, "names no host"},
        BadHosts{
            {"misspelt..localhost"}, AddressFamily::Any, "host \"misspelt..localhost\" has no"},
        BadHosts{{"", "misspelt..localhost"}, AddressFamily::Any, "\"misspelt..localhost\""},
        BadHosts{{"192.0.2.1"}, AddressFamily::Any, "host \"192.0.2.1\" is not an"},
        BadHosts{{"192.0.2.1"}, AddressFamily::IPv4, "host \"192.0.2.1\" is not an IPv4 address"},
        BadHosts{{"", "192.0.2.1"}, AddressFamily::Any, "\"192.0.2.1\""},
        BadHosts{{"localhost", "192.0.2.1"}, AddressFamily::IPv4, "\"192.0.2.1\""},
        BadHosts{{"2001:db8::1"}, AddressFamily::IPv6, "\"2001:db8::1\""},
        BadHosts{{"127.0.0.1"}, AddressFamily::IPv6, "\"127.0.0.1\" has no IPv6 address"},
        BadHosts{{"::1"}, AddressFamily::IPv4, "\"::1\" has no IPv4 address"}));

TEST_P(BadHost, IsAnErrorThatNamesIt) {
  PortPool pool(freshPorts(1));
  expectErrorFrom(pool);
  EXPECT_EQ(pool.statistics().lifetimeTotal, 0U);
  EXPECT_NE(pool.allocate().port(), 0) << "the port is lost";
}

// A pool with the default wait time: this test would take a minute for each case, and then fail.
TEST_P(BadHost, IsAnErrorAtOnceThoughEveryPortIsLeased) {
  PortPool pool(freshPorts(1));
  const auto owner = pool.allocate();
  expectErrorFrom(pool);
}

TEST_P(BadHost, IsAnErrorAtOnceThoughEveryPortIsBusy) {
  PortPool pool(freshPorts(1));
  const auto listener = listenOn(*pool.ports().begin());
  expectErrorFrom(pool);
}

TEST(PortPool, LocalhostNeedsNoResolver) {
  PortPool pool(freshPorts(1), impatient());
  for (const auto family : {AddressFamily::Any, AddressFamily::IPv4}) {
    EXPECT_NE(pool.allocate({{"localhost"}, family}).port(), 0);
  }
}

TEST(PortPool, TheSameHostTwiceIsFine) {
  PortPool pool(freshPorts(1), impatient());
  EXPECT_NE(pool.allocate({{"127.0.0.1", "127.0.0.1", "", "", "localhost", "0.0.0.0"}}).port(), 0);
}

}  // namespace
}  // namespace portpool::test
