#include "waiting_line.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <optional>

#include "platform/lease.hpp"
#include "surroundings.hpp"

namespace portpool::test {
namespace {

// Its order, and those who die in it: see tests/cross_process.
class WaitingLineEdges : public ::testing::Test {
 protected:
  const PortSet ports = freshPorts(2);
  const std::unique_ptr<platform::LeaseRegistry> registry = platform::makeLeaseRegistry();
  const WaitingLine line{*registry, ports};
};

TEST_F(WaitingLineEdges, OneInTheMiddleMayLeave) {
  PlaceInLine first(line);
  std::optional<PlaceInLine> second(std::in_place, line);
  std::optional<PlaceInLine> third(std::in_place, line);
  first.advance();
  second->advance();
  third->advance();
  second.reset();
  EXPECT_FALSE(third->advance());
  PlaceInLine fourth(line);
  EXPECT_FALSE(fourth.advance());
  third.reset();
  EXPECT_TRUE(first.advance());
}

TEST_F(WaitingLineEdges, TellsWhetherSomebodyWaits) {
  EXPECT_FALSE(line.isAnyoneWaiting());
  {
    PlaceInLine place(line);
    EXPECT_FALSE(line.isAnyoneWaiting()) << "not in the line yet";
    place.advance();
    EXPECT_TRUE(line.isAnyoneWaiting());
  }
  EXPECT_FALSE(line.isAnyoneWaiting());
}

TEST_F(WaitingLineEdges, EachSetOfPortsHasItsOwn) {
  PlaceInLine place(line);
  place.advance();
  const auto others = freshPorts(2) - ports;
  ASSERT_FALSE(others.empty());
  EXPECT_FALSE(WaitingLine(*registry, others).isAnyoneWaiting());
  const WaitingLine other(*registry, others);
  EXPECT_TRUE(PlaceInLine(other).advance());
}

TEST_F(WaitingLineEdges, SetsThatDifferInTheMiddleOnlyHaveTheirOwn) {
  constexpr std::uint16_t kFirst = 2000, kLast = 2100;
  std::deque<WaitingLine> lines;
  std::deque<PlaceInLine> places;
  for (std::uint16_t left = kFirst + 1; left < kLast; ++left) {
    const PortSet others{{kFirst, static_cast<std::uint16_t>(left - 1)},
                         {static_cast<std::uint16_t>(left + 1), kLast}};
    lines.emplace_back(*registry, others);
    EXPECT_TRUE(places.emplace_back(lines.back()).advance()) << left;
  }
}

TEST_F(WaitingLineEdges, TakesNoLeaseOfAPort) {
  PlaceInLine place(line);
  place.advance();
  for (const auto port : ports) EXPECT_TRUE(registry->tryAcquire(port)) << port;
}

class Turns : public WaitingLineEdges {
 protected:
  static constexpr bool kIsGreedy = true;
  static constexpr std::chrono::seconds kLong{2};

  void SetUp() override {
    if (!registry->hasMessages()) GTEST_SKIP() << "nobody can tell whether another responds";
    ASSERT_TRUE(has.advance(now));
    ASSERT_FALSE(next.advance(now));
    ASSERT_EQ(next.standing(), PlaceInLine::Standing::Outside);
  }

  PlaceInLine has{line, kIsGreedy}, next{line, kIsGreedy};
  PlaceInLine::Clock::time_point now = PlaceInLine::Clock::now();
};

TEST_F(Turns, PassFromOneThatDoesNotRespond) {
  EXPECT_FALSE(next.advance(now + kLong));
  EXPECT_EQ(next.standing(), PlaceInLine::Standing::Behind);
}

TEST_F(Turns, StayWithOneThatResponds) {
  has.advance(now);
  EXPECT_FALSE(next.advance(now + kLong));
  EXPECT_EQ(next.standing(), PlaceInLine::Standing::Outside);
}

TEST_F(WaitingLineEdges, MoreThanItHoldsWaitBesideIt) {
  std::deque<PlaceInLine> places;
  for (int i = 0; i < 200; ++i) {
    places.emplace_back(line);
    EXPECT_EQ(places.back().advance(), i == 0);
  }
  EXPECT_EQ(places.back().standing(), PlaceInLine::Standing::Outside) << "it looks by itself";
  while (!places.empty()) {
    EXPECT_TRUE(places.front().advance());
    places.pop_front();
    for (auto& place : places) place.advance();
  }
}

}  // namespace
}  // namespace portpool::test
