#include "waiting_line.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <optional>

#include "surroundings.hpp"

namespace portpool::test {
namespace {

// Its order, and those who die in it: see tests/cross_process.
class WaitingLineEdges : public ::testing::Test {
 protected:
  const PortSet ports_ = freshPorts(2);
  const std::unique_ptr<platform::LeaseRegistry> registry_ = platform::makeLeaseRegistry();
};

TEST_F(WaitingLineEdges, OneInTheMiddleMayLeave) {
  PlaceInLine first(*registry_, ports_);
  std::optional<PlaceInLine> second(std::in_place, *registry_, ports_);
  std::optional<PlaceInLine> third(std::in_place, *registry_, ports_);
  first.advance();
  second->advance();
  third->advance();
  second.reset();
  EXPECT_FALSE(third->advance());
  PlaceInLine fourth(*registry_, ports_);
  EXPECT_FALSE(fourth.advance());
  third.reset();
  EXPECT_TRUE(first.advance());
}

TEST_F(WaitingLineEdges, TellsWhetherSomebodyWaits) {
  EXPECT_FALSE(PlaceInLine::isAnyoneWaiting(*registry_, ports_));
  {
    PlaceInLine place(*registry_, ports_);
    EXPECT_FALSE(PlaceInLine::isAnyoneWaiting(*registry_, ports_)) << "not in the line yet";
    place.advance();
    EXPECT_TRUE(PlaceInLine::isAnyoneWaiting(*registry_, ports_));
  }
  EXPECT_FALSE(PlaceInLine::isAnyoneWaiting(*registry_, ports_));
}

TEST_F(WaitingLineEdges, EachSetOfPortsHasItsOwn) {
  PlaceInLine place(*registry_, ports_);
  place.advance();
  const auto others = freshPorts(2) - ports_;
  ASSERT_FALSE(others.empty());
  EXPECT_FALSE(PlaceInLine::isAnyoneWaiting(*registry_, others));
  EXPECT_TRUE(PlaceInLine(*registry_, others).advance());
}

TEST_F(WaitingLineEdges, TakesNoLeaseOfAPort) {
  PlaceInLine place(*registry_, ports_);
  place.advance();
  for (const auto port : ports_) EXPECT_TRUE(registry_->tryAcquire(port)) << port;
}

TEST_F(WaitingLineEdges, IsOneForAllProcesses) {
  PlaceInLine place(*registry_, ports_);
  ASSERT_TRUE(place.advance());
  checkInChild([&] {
    const auto registry = platform::makeLeaseRegistry();
    EXPECT_TRUE(PlaceInLine::isAnyoneWaiting(*registry, ports_));
    EXPECT_FALSE(PlaceInLine(*registry, ports_).advance());
  });
}

TEST_F(WaitingLineEdges, MoreThanItHoldsWaitBesideIt) {
  std::deque<PlaceInLine> places;
  for (int i = 0; i < 70; ++i) {
    places.emplace_back(*registry_, ports_);
    EXPECT_EQ(places.back().advance(), i == 0);
  }
  while (!places.empty()) {
    EXPECT_TRUE(places.front().advance());
    places.pop_front();
    for (auto& place : places) place.advance();
  }
}

}  // namespace
}  // namespace portpool::test
