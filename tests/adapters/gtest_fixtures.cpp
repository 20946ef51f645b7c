// The scenarios of fixtures_test.cpp.

#include "own_fixtures.hpp"
#include "subject.hpp"

#include <portpool/gtest.hpp>

#include <algorithm>
#include <vector>

namespace {

using namespace tested;

class OwnFixtureNames : public portpool::gtest::PortFixture<OwnNames<::testing::Test>> {
 protected:
  Bracket bracket_{"test"};
  NotedServer server_{getNextAvailableTCPPort()};
};
TEST_F(OwnFixtureNames, AreTheFixtures) {
  EXPECT_EQ(state, State::Running);
  EXPECT_EQ(end, 3);
  EXPECT_EQ(ports.size(), 2U);
  EXPECT_EQ(properties.at("owner"), "user");
  EXPECT_EQ(name_, "user's");
  EXPECT_TRUE(server_.isReached());
}

class OwnFixtureLookup : public portpool::gtest::PortFixture<> {};
TEST_F(OwnFixtureLookup, FindsFunctionsByTheirArguments) {
  std::vector<int> numbers{3, 1, 2};
  std::sort(begin(numbers), end(numbers));
  EXPECT_EQ(*data(numbers), 1);
  EXPECT_EQ(size(numbers), 3U);

  Device device;
  std::sort(begin(device), end(device));
  EXPECT_EQ(*data(device), 1);
  EXPECT_EQ(size(device), 3U);
  EXPECT_EQ(ports(device).front(), 1);
  EXPECT_EQ(properties(device).front(), "fast");
  EXPECT_EQ(device.state, State::Running);

  const Bracket test("test");
  const NotedServer server(getNextAvailableTCPPort());
  EXPECT_TRUE(server.isReached());
}

class OwnFixtureArguments : public portpool::gtest::PortFixture<OwnArguments<::testing::Test>> {
 protected:
  OwnFixtureArguments() : PortFixture("user's", 2) {}

  static void SetUpTestSuite() { note("suite's", getNextAvailableTCPPort()); }

  Bracket bracket_{"test"};
  NotedServer server_{getNextAvailableTCPPort()};
};
TEST_F(OwnFixtureArguments, ReachTheBase) {
  EXPECT_EQ(name_, "user's");
  EXPECT_EQ(count_, 2);
  EXPECT_TRUE(server_.isReached());
}

class OwnFixtureDerived : public portpool::gtest::PortFixture<OwnFixtureArguments> {
 protected:
  NotedServer second_{getNextAvailableTCPPort()};
};
TEST_F(OwnFixtureDerived, FromAPortFixtureIsNotAmbiguous) {
  const NotedServer third(getNextAvailableTCPPort());
  EXPECT_TRUE(server_.isReached());
  EXPECT_TRUE(second_.isReached());
  EXPECT_TRUE(third.isReached());
}

}  // namespace
