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
  const PortSet ports = freshPorts(2);
  const std::unique_ptr<platform::LeaseRegistry> registry = platform::makeLeaseRegistry();
};

TEST_F(WaitingLineEdges, OneInTheMiddleMayLeave) {
  PlaceInLine first(*registry, ports);
  std::optional<PlaceInLine> second(std::in_place, *registry, ports);
  std::optional<PlaceInLine> third(std::in_place, *registry, ports);
  first.advance();
  second->advance();
  third->advance();
  second.reset();
  EXPECT_FALSE(third->advance());
  PlaceInLine fourth(*registry, ports);
  EXPECT_FALSE(fourth.advance());
  third.reset();
  EXPECT_TRUE(first.advance());
}

TEST_F(WaitingLineEdges, TellsWhetherSomebodyWaits) {
  EXPECT_FALSE(PlaceInLine::isAnyoneWaiting(*registry, ports));
  {
    PlaceInLine place(*registry, ports);
    EXPECT_FALSE(PlaceInLine::isAnyoneWaiting(*registry, ports)) << "not in the line yet";
    place.advance();
    EXPECT_TRUE(PlaceInLine::isAnyoneWaiting(*registry, ports));
  }
  EXPECT_FALSE(PlaceInLine::isAnyoneWaiting(*registry, ports));
}

TEST_F(WaitingLineEdges, EachSetOfPortsHasItsOwn) {
  PlaceInLine place(*registry, ports);
  place.advance();
  const auto others = freshPorts(2) - ports;
  ASSERT_FALSE(others.empty());
  EXPECT_FALSE(PlaceInLine::isAnyoneWaiting(*registry, others));
  EXPECT_TRUE(PlaceInLine(*registry, others).advance());
}

TEST_F(WaitingLineEdges, TakesNoLeaseOfAPort) {
  PlaceInLine place(*registry, ports);
  place.advance();
  for (const auto port : ports) EXPECT_TRUE(registry->tryAcquire(port)) << port;
}

TEST_F(WaitingLineEdges, IsOneForAllProcesses) {
  PlaceInLine place(*registry, ports);
  ASSERT_TRUE(place.advance());
  checkInChild([&] {
    const auto its = platform::makeLeaseRegistry();
    EXPECT_TRUE(PlaceInLine::isAnyoneWaiting(*its, ports));
    EXPECT_FALSE(PlaceInLine(*its, ports).advance());
  });
}

TEST_F(WaitingLineEdges, MoreThanItHoldsWaitBesideIt) {
  std::deque<PlaceInLine> places;
  for (int i = 0; i < 70; ++i) {
    places.emplace_back(*registry, ports);
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
