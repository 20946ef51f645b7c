#include "candidate_queue.hpp"

#include <gmock/gmock.h>

#include <array>

#include <map>
#include <vector>

namespace portpool::test {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAreArray;

const PortSet kPorts{{100, 199}};

using Ports = std::vector<std::uint16_t>;

Ports takeAll(CandidateQueue& queue) {
  Ports ports;
  while (const auto port = queue.next()) ports.push_back(*port);
  return ports;
}

TEST(CandidateQueue, YieldsEveryPortOnce) {
  CandidateQueue queue(kPorts, 1);
  EXPECT_EQ(queue.left(), 100U);
  EXPECT_THAT(takeAll(queue), UnorderedElementsAreArray(kPorts.begin(), kPorts.end()));
  EXPECT_EQ(queue.left(), 0U);
  EXPECT_EQ(queue.next(), std::nullopt);
  EXPECT_EQ(queue.nextSuspect(), std::nullopt);
}

TEST(CandidateQueue, TheSeedDecidesTheOrder) {
  CandidateQueue a(kPorts, 1), b(kPorts, 1), c(kPorts, 2);
  const auto order = takeAll(a);
  EXPECT_EQ(order, takeAll(b));
  EXPECT_NE(order, takeAll(c));
  EXPECT_NE(order, Ports(kPorts.begin(), kPorts.end()));
}

TEST(CandidateQueue, EachPortIsFirstForSomeSeed) {
  std::map<std::uint16_t, int> firsts;
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    ++firsts[*CandidateQueue({{100, 109}}, seed).next()];
  }
  EXPECT_EQ(firsts.size(), 10U);
  for (const auto& [port, count] : firsts) EXPECT_NEAR(count, 200, 100) << port;
}

TEST(CandidateQueue, GivesBackTheLeastRecentlyUsedFirst) {
  CandidateQueue queue({{100, 103}}, 1);
  takeAll(queue);
  for (const auto port : Ports{102, 100, 103}) queue.giveBack(port);
  EXPECT_EQ(queue.next(), 102);
  queue.giveBack(101);
  queue.giveBack(102);
  EXPECT_THAT(takeAll(queue), ElementsAre(100, 103, 101, 102));
}

TEST(CandidateQueue, PrefersAPortNeverUsed) {
  CandidateQueue queue({{100, 101}}, 1);
  const auto first = *queue.next();
  queue.giveBack(first);
  EXPECT_NE(queue.next(), first);
  EXPECT_EQ(queue.next(), first);
}

TEST(CandidateQueue, KeepsSuspectsApart) {
  CandidateQueue queue({{100, 102}}, 1);
  takeAll(queue);
  for (const auto port : Ports{101, 102, 100}) queue.addSuspect(port);
  EXPECT_EQ(queue.left(), 0U);
  EXPECT_EQ(queue.next(), std::nullopt);
  EXPECT_EQ(queue.suspects(), 3U);
  EXPECT_TRUE(queue.takeSuspect(102));
  EXPECT_FALSE(queue.takeSuspect(102));
  EXPECT_FALSE(queue.takeSuspect(999));
  EXPECT_EQ(queue.nextSuspect(), 101);
  EXPECT_EQ(queue.nextSuspect(), 100);
  EXPECT_EQ(queue.suspects(), 0U);
}

TEST(CandidateQueue, GivesAVeryPortWhateverIsKnownOfIt) {
  CandidateQueue queue({{100, 105}}, 1);
  const auto returned = *queue.next();
  queue.giveBack(returned);
  const auto busy = *queue.next();
  queue.addSuspect(busy);
  const auto taken = *queue.next();
  EXPECT_TRUE(queue.take(returned));
  EXPECT_FALSE(queue.take(returned)) << "it was taken already";
  EXPECT_TRUE(queue.take(busy));
  EXPECT_EQ(queue.suspects(), 0U);
  EXPECT_FALSE(queue.take(taken)) << "its taker has it";
  EXPECT_FALSE(queue.take(99));
  EXPECT_FALSE(queue.take(106));

  std::uint16_t unused = 100;
  while (unused == returned || unused == busy || unused == taken) ++unused;
  EXPECT_TRUE(queue.take(unused));
  EXPECT_EQ(queue.left(), 2U);
  const auto rest = takeAll(queue);
  EXPECT_EQ(rest.size(), 2U);
  for (const auto port : {returned, busy, taken, unused}) {
    EXPECT_EQ(std::count(rest.begin(), rest.end(), port), 0) << port;
  }
}

TEST(CandidateQueue, DrawsNumbersBelowTheBoundFromTheSeed) {
  CandidateQueue queue({{100, 105}}, 7), same({{100, 105}}, 7);
  std::array<int, 10> counts{};
  for (int i = 0; i < 1000; ++i) {
    const auto number = queue.randomBelow(counts.size());
    ASSERT_LT(number, counts.size());
    EXPECT_EQ(number, same.randomBelow(counts.size()));
    ++counts[number];
  }
  for (const int count : counts) EXPECT_GT(count, 50);
  EXPECT_EQ(queue.randomBelow(1), 0U);
}

}  // namespace
}  // namespace portpool::test
