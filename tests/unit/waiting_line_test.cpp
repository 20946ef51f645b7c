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
  using Standing = PlaceInLine::Standing;
  static constexpr std::chrono::seconds kTurn{1}, kAway{9};

  void SetUp() override {
    ASSERT_TRUE(first->advance(now));
    ASSERT_FALSE(second->advance(now));
  }

  std::optional<PlaceInLine> first{std::in_place, line}, second{std::in_place, line};
  const PlaceInLine::Clock::time_point now = PlaceInLine::Clock::now();
};

TEST_F(Turns, OneThatLeavesNoPortsStaysAtTheFront) {
  EXPECT_TRUE(first->advance(now + kAway));
  EXPECT_FALSE(second->advance(now + kAway));
}

TEST_F(Turns, OneThatLeavesPortsHoldsTheOthersBackForATurn) {
  first->takeTurn(now);
  EXPECT_TRUE(first->advance(now + kTurn / 2));
  EXPECT_FALSE(first->advance(now + kTurn));
  EXPECT_EQ(first->standing(), Standing::Away);
  EXPECT_TRUE(second->advance(now + kTurn));
}

TEST_F(Turns, OneThatIsAwayJoinsTheEndOfTheLine) {
  first->takeTurn(now);
  first->advance(now + kTurn);
  second->advance(now + kTurn);
  EXPECT_FALSE(first->advance(now + kAway));
  EXPECT_EQ(first->standing(), Standing::Away);
  EXPECT_FALSE(first->advance(now + kTurn + kAway));
  EXPECT_EQ(first->standing(), Standing::Behind);
}

TEST_F(Turns, OneWithNobodyBehindGoesOnWithItsTurn) {
  second.reset();
  first->takeTurn(now);
  EXPECT_TRUE(first->advance(now + kAway));
}

TEST_F(Turns, AreOneAtATime) {
  first->takeTurn(now);
  first->advance(now + kTurn);
  ASSERT_TRUE(second->advance(now + kTurn));
  second->takeTurn(now + kTurn);
  EXPECT_EQ(second->standing(), Standing::Away) << "the first has its turn until it is back";
}

TEST_F(Turns, EndWithTheirHolder) {
  first->takeTurn(now);
  first->advance(now + kTurn);
  second->advance(now + kTurn);
  first.reset();
  second->takeTurn(now + kTurn);
  EXPECT_EQ(second->standing(), Standing::Front);
}

TEST_F(WaitingLineEdges, OneThatDoesNotMoveForTenSecondsLooksForItself) {
  const auto now = PlaceInLine::Clock::now();
  const auto later = now + std::chrono::seconds(5);
  std::optional<PlaceInLine> first(std::in_place, line);
  PlaceInLine second(line), third(line);
  for (auto* place : {&*first, &second, &third}) place->advance(now);
  EXPECT_LE(first->looksFrom(), now);
  EXPECT_EQ(third.looksFrom(), now + std::chrono::seconds(10));
  first.reset();
  EXPECT_FALSE(third.advance(later));
  EXPECT_EQ(third.looksFrom(), later + std::chrono::seconds(10)) << "it has moved";
}

TEST_F(WaitingLineEdges, OneThatLeavesWakesTheNext) {
  if (!registry->hasMessages()) GTEST_SKIP() << "waiters look by themselves";
  std::optional<PlaceInLine> first(std::in_place, line);
  PlaceInLine second(line), third(line);
  for (auto* place : {&*first, &second, &third}) place->advance();
  first.reset();
  EXPECT_EQ(second.await(PlaceInLine::Clock::now()), 0);
  EXPECT_EQ(third.await(PlaceInLine::Clock::now()), std::nullopt);
}

TEST_F(WaitingLineEdges, OneAtTheFrontHearsOfEachReturnedPort) {
  if (!registry->hasMessages()) GTEST_SKIP() << "waiters look by themselves";
  PlaceInLine first(line);
  first.advance();
  for (const auto port : ports) line.wakeFront(port);
  for (const auto port : ports) EXPECT_EQ(first.await(PlaceInLine::Clock::now()), port);
  EXPECT_EQ(first.await(PlaceInLine::Clock::now()), std::nullopt);
}

TEST_F(WaitingLineEdges, MoreThanItHoldsWaitBesideIt) {
  std::deque<PlaceInLine> places;
  for (int i = 0; i < 200; ++i) {
    places.emplace_back(line);
    EXPECT_EQ(places.back().advance(), i == 0);
  }
  EXPECT_EQ(places.back().standing(), PlaceInLine::Standing::Away) << "it looks by itself";
  while (!places.empty()) {
    EXPECT_TRUE(places.front().advance());
    places.pop_front();
    for (auto& place : places) place.advance();
  }
}

}  // namespace
}  // namespace portpool::test
