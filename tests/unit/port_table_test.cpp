#include "port_table.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

namespace portpool::test {
namespace {

using State = PortTable::State;
using ::testing::ElementsAre;

const PortSet kPorts{{100, 199}};
constexpr unsigned kFresh = PortTable::bit(State::Unused) | PortTable::bit(State::Returned);

using Ports = std::vector<std::uint16_t>;

Ports takeAll(PortTable& table) {
  Ports ports;
  while (const auto port = table.takeFresh()) ports.push_back(*port);
  return ports;
}

TEST(PortTable, YieldsEveryPortOnce) {
  for (const auto& ports : {kPorts, PortSet{{1, 1}, {65535, 65535}}, PortSet{{1, 65535}}}) {
    PortTable table(ports, 1);
    EXPECT_EQ(table.fresh(), ports.size());
    auto yielded = takeAll(table);
    std::sort(yielded.begin(), yielded.end());
    EXPECT_EQ(yielded, Ports(ports.begin(), ports.end()));
    EXPECT_EQ(table.fresh(), 0U);
    EXPECT_EQ(table.count(State::Taken), ports.size());
    EXPECT_EQ(table.takeFresh(), std::nullopt);
    EXPECT_EQ(table.takeOldest(State::Busy), std::nullopt);
  }
}

TEST(PortTable, TheSeedDecidesTheOrder) {
  PortTable a(kPorts, 1), b(kPorts, 1), c(kPorts, 2);
  const auto order = takeAll(a);
  EXPECT_EQ(order, takeAll(b));
  EXPECT_NE(order, takeAll(c));
  EXPECT_NE(order, Ports(kPorts.begin(), kPorts.end()));
}

TEST(PortTable, EachPortIsFirstForSomeSeed) {
  std::map<std::uint16_t, int> firsts;
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    ++firsts[*PortTable({{100, 109}}, seed).takeFresh()];
  }
  EXPECT_EQ(firsts.size(), 10U);
  for (const auto& [port, count] : firsts) EXPECT_NEAR(count, 200, 100) << port;
}

TEST(PortTable, APortAfterAGapIsNoMoreLikelyToBeFirst) {
  std::map<std::uint16_t, int> firsts;
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    ++firsts[*PortTable({{1024, 1024}, {61000, 61008}}, seed).takeFresh()];
  }
  EXPECT_EQ(firsts.size(), 10U);
  for (const auto& [port, count] : firsts) EXPECT_NEAR(count, 200, 100) << port;
}

TEST(PortTable, YieldsTheLeastRecentlyUsedFirst) {
  PortTable table({{100, 103}}, 1);
  takeAll(table);
  for (const auto port : Ports{102, 100, 103}) table.put(port, State::Returned);
  EXPECT_EQ(table.takeFresh(), 102);
  table.put(101, State::Returned);
  table.put(102, State::Returned);
  EXPECT_THAT(takeAll(table), ElementsAre(100, 103, 101, 102));
}

TEST(PortTable, PrefersAPortNeverUsed) {
  PortTable table({{100, 101}}, 1);
  const auto first = *table.takeFresh();
  table.put(first, State::Returned);
  EXPECT_NE(table.takeFresh(), first);
  EXPECT_EQ(table.takeFresh(), first);
}

TEST(PortTable, KeepsLeasedAndBusyPortsApart) {
  PortTable table({{100, 105}}, 1);
  takeAll(table);
  for (const auto port : Ports{101, 102, 100}) table.put(port, State::Busy);
  for (const auto port : Ports{105, 103}) table.put(port, State::Leased);
  EXPECT_EQ(table.fresh(), 0U);
  EXPECT_EQ(table.takeFresh(), std::nullopt);
  EXPECT_EQ(table.count(State::Busy), 3U);
  EXPECT_TRUE(table.take(102));
  EXPECT_EQ(table.takeOldest(State::Busy), 101);
  EXPECT_EQ(table.takeOldest(State::Busy), 100);
  EXPECT_EQ(table.takeOldest(State::Busy), std::nullopt);
  EXPECT_EQ(table.takeOldest(State::Leased), 105);
  EXPECT_EQ(table.takeOldest(State::Leased), 103);
}

TEST(PortTable, TakesAVeryPortWhateverIsKnownOfIt) {
  PortTable table({{100, 105}}, 1);
  const auto returned = *table.takeFresh();
  const auto busy = *table.takeFresh();
  const auto taken = *table.takeFresh();
  table.put(returned, State::Returned);
  table.put(busy, State::Busy);
  EXPECT_TRUE(table.take(returned));
  EXPECT_FALSE(table.take(returned)) << "it was taken already";
  EXPECT_TRUE(table.take(busy));
  EXPECT_FALSE(table.take(taken)) << "its taker has it";
  EXPECT_FALSE(table.take(99));
  EXPECT_FALSE(table.take(106));

  std::uint16_t unused = 100;
  while (table.state(unused) != State::Unused) ++unused;
  EXPECT_TRUE(table.take(unused));
  EXPECT_EQ(takeAll(table).size(), 2U);
}

TEST(PortTable, TakesFromTheMiddleOfAQueue) {
  PortTable table({{100, 104}}, 1);
  takeAll(table);
  for (std::uint16_t port = 100; port <= 104; ++port) table.put(port, State::Returned);
  for (const auto port : Ports{102, 100, 104}) EXPECT_TRUE(table.take(port));
  EXPECT_THAT(takeAll(table), ElementsAre(101, 103));
}

TEST(PortTable, FindsRunsOfPortsInTheseStates) {
  PortTable table({{100, 109}, {200, 204}}, 1);
  EXPECT_EQ(table.findBlock({10}, 0, kFresh), 100);
  EXPECT_EQ(table.findBlock({11}, 0, kFresh), std::nullopt);
  EXPECT_EQ(table.findBlock({3}, 107, kFresh), 107);
  EXPECT_EQ(table.findBlock({3}, 108, kFresh), 200);
  EXPECT_EQ(table.findBlock({3}, 203, kFresh), std::nullopt);
  table.take(104);
  EXPECT_EQ(table.findBlock({5}, 0, kFresh), 105);
  EXPECT_EQ(table.findBlock({6}, 0, kFresh), std::nullopt);
  table.put(104, State::Leased);
  EXPECT_EQ(table.findBlock({6}, 0, kFresh), std::nullopt);
  EXPECT_EQ(table.findBlock({6}, 0, kFresh | PortTable::bit(State::Leased)), 100);
}

TEST(PortTable, FindsRunsUpToTheLastPortThereIs) {
  const PortTable table({{65530, 65535}}, 1);
  EXPECT_EQ(table.findBlock({2}, 65534, kFresh), 65534);
  EXPECT_EQ(table.findBlock({2}, 65535, kFresh), std::nullopt);
  EXPECT_EQ(table.findBlock({1}, 65536, kFresh), std::nullopt);
}

TEST(PortTable, FindsBlocksAtADistance) {
  PortTable table({{100, 102}, {200, 202}, {300, 301}}, 1);
  const BlockShape twoAtADistance{2, 100}, threeAtADistance{3, 100};
  EXPECT_EQ(table.findBlock(twoAtADistance, 0, kFresh), 100);
  EXPECT_EQ(table.findBlock(twoAtADistance, 103, kFresh), 200);
  EXPECT_EQ(table.findBlock(twoAtADistance, 202, kFresh), std::nullopt);
  table.take(200);
  EXPECT_EQ(table.findBlock(threeAtADistance, 0, kFresh), 101);
  EXPECT_EQ(table.findBlock(threeAtADistance, 102, kFresh), std::nullopt);
  EXPECT_EQ(table.findBlock({2, 65535}, 0, kFresh), std::nullopt);
}

TEST(PortTable, FindsBlocksThatBeginAtAMultiple) {
  PortTable table({{101, 110}}, 1);
  const BlockShape even{2, 1, 2};
  EXPECT_EQ(table.findBlock(even, 0, kFresh), 102);
  EXPECT_EQ(table.findBlock(even, 103, kFresh), 104);
  table.take(105);
  EXPECT_EQ(table.findBlock(even, 103, kFresh), 106);
  EXPECT_EQ(table.findBlock(even, 109, kFresh), std::nullopt);
  EXPECT_EQ(table.findBlock({1, 1, 55}, 0, kFresh), 110);
  EXPECT_EQ(table.findBlock({1, 1, 60}, 0, kFresh), std::nullopt);
}

TEST(PortTable, LeavesWhatIsTakenToTheParent) {
  PortTable table({{100, 103}}, 1);
  const auto taken = *table.takeFresh();
  table.leaveTakenToParent();
  EXPECT_EQ(table.state(taken), State::Leased);
  EXPECT_EQ(table.fresh(), 3U);
}

TEST(PortTable, BeginsAnywhereInItsRange) {
  PortTable table({{100, 105}}, 7), same({{100, 105}}, 7);
  std::map<std::uint16_t, int> counts;
  for (int i = 0; i < 1000; ++i) {
    const auto port = table.randomPort();
    EXPECT_EQ(port, same.randomPort());
    ++counts[port];
  }
  EXPECT_EQ(counts.size(), 6U);
  EXPECT_EQ(counts.begin()->first, 100);
  EXPECT_EQ(counts.rbegin()->first, 105);
}

}  // namespace
}  // namespace portpool::test
