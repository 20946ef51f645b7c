// The scenarios of fixtures_test.cpp, for Catch2 3 and 2.13.

#include "catch2_include.hpp"
#include "own_fixtures.hpp"
#include "subject.hpp"

#include <portpool/catch2.hpp>

#include <algorithm>
#include <vector>

namespace {

using namespace tested;

class Plain {};

class OwnFixtureNames : public portpool::PortFixture<OwnNames<Plain>> {
 protected:
  Bracket bracket_{"test"};
  NotedServer server_{getNextAvailableTCPPort()};
};
TEST_CASE_METHOD(OwnFixtureNames, "own fixture's names", "[.]") {
  CHECK(state == State::Running);
  CHECK(end == 3);
  CHECK(ports.size() == 2);
  CHECK(properties.at("owner") == "user");
  CHECK(name_ == "user's");
  CHECK(server_.isReached());
}

TEST_CASE_METHOD(portpool::catch2::PortFixture, "own fixture's lookup", "[.]") {
  std::vector<int> numbers{3, 1, 2};
  std::sort(begin(numbers), end(numbers));
  CHECK(*data(numbers) == 1);
  CHECK(size(numbers) == 3);

  Device device;
  std::sort(begin(device), end(device));
  CHECK(*data(device) == 1);
  CHECK(size(device) == 3);
  CHECK(ports(device).front() == 1);
  CHECK(properties(device).front() == "fast");
  CHECK(device.state == State::Running);

  const Bracket test("test");
  const NotedServer server(getNextAvailableTCPPort());
  CHECK(server.isReached());
}

class OwnFixtureArguments : public portpool::PortFixture<OwnArguments<Plain>> {
 protected:
  OwnFixtureArguments() : PortFixture("user's", 2) {}

  Bracket bracket_{"test"};
  NotedServer server_{getNextAvailableTCPPort()};
};
TEST_CASE_METHOD(OwnFixtureArguments, "own fixture's arguments", "[.]") {
  CHECK(name_ == "user's");
  CHECK(count_ == 2);
  CHECK(server_.isReached());
}

class OwnFixtureDerived : public portpool::PortFixture<OwnFixtureArguments> {
 protected:
  NotedServer second_{getNextAvailableTCPPort()};
};
TEST_CASE_METHOD(OwnFixtureDerived, "own fixture derived from a port fixture", "[.]") {
  const NotedServer third(getNextAvailableTCPPort());
  CHECK(server_.isReached());
  CHECK(second_.isReached());
  CHECK(third.isReached());
}

}  // namespace
