// The scenarios of promises_test.cpp, for Catch2 3 and 2.13.

#include "catch2_include.hpp"
#include "promises.hpp"
#include "subject.hpp"
#include "support/network.hpp"

#include <portpool/catch2.hpp>

#include <stdexcept>

namespace {

using namespace portpool;

// ---- Every function -----------------------------------------------------------------------------

TEST_CASE("promises of functions", "[.]") {
  const Bracket test("test");
  CHECK(faultsOf({getNextAvailableTCPPorts(3), getNextAvailableTCPPortBlock(3),
                  getNextAvailableUDPPort(), getNextAvailableTCPPort(held()), getRefusedTCPPort(),
                  getListeningTCPSocket()})
            .empty());
}

class PromisesOfFixture : public portpool::catch2::PortFixture {
 protected:
  Bracket bracket_{"test"};
  Promised promised_{getNextAvailableTCPPorts(3), getNextAvailableTCPPortBlock(3),
                     getNextAvailableUDPPort(),   getNextAvailableTCPPort(held()),
                     getRefusedTCPPort(),         getListeningTCPSocket()};
};
TEST_CASE_METHOD(PromisesOfFixture, "promises of the fixture", "[.]") {
  CHECK(faultsOf(promised_).empty());
}

TEST_CASE_METHOD(PromisesOfFixture, "holds by variable", "[.]") {
  CHECK(isHeld(getNextAvailableTCPPort()));
  CHECK(isHeld(portpool::getNextAvailableTCPPort()));
}

// ---- Names --------------------------------------------------------------------------------------

TEST_CASE("named in sections") {
  const NotedServer server(getNamedTCPPort("server"));
  SECTION("one") { note("server", getNamedTCPPort("server")); }
  SECTION("other") { note("server", getNamedTCPPort("server")); }
}

// ---- Leaks --------------------------------------------------------------------------------------

TEST_CASE("leak in body", "[.]") { leaveServer(getNextAvailableTCPPort()); }
TEST_CASE("leak in section", "[.]") {
  SECTION("innocent") { NotedServer server(getNextAvailableTCPPort()); }
  SECTION("leaky") { leaveServer(getNextAvailableTCPPort()); }
}
TEST_CASE("leak to listening child", "[.]") { leaveChild("listening", getNextAvailableTCPPort()); }
TEST_CASE("leak to bound child", "[.]") { leaveChild("bound", getNextAvailableTCPPort()); }
TEST_CASE("no leak", "[.]") {
  leaveTimeWait(getNextAvailableTCPPort());
  NotedServer server(getNextAvailableTCPPort());
}

class LeakOfFixture : public portpool::catch2::PortFixture {
 protected:
  LeakOfFixture() { leaveServer(getNextAvailableTCPPort()); }
};
TEST_CASE_METHOD(LeakOfFixture, "leak of fixture", "[.]") {}

// ---- Failures -----------------------------------------------------------------------------------

class Failure : public portpool::catch2::PortFixture {
 protected:
  NotedServer server_{getNextAvailableTCPPort()};
};
TEST_CASE_METHOD(Failure, "failure by assertions", "[.]") {
  note("idle", portpool::getNextAvailableTCPPort());
  CHECK(server_.port() == 0);
  FAIL("again");
}
TEST_CASE_METHOD(Failure, "failure by exception", "[.]") {
  note("idle", portpool::getNextAvailableTCPPort());
  throw std::runtime_error("trouble");
}
TEST_CASE_METHOD(Failure, "failure is not here", "[.]") {
  note("idle", portpool::getNextAvailableTCPPort());
}

// ---- Isolation ----------------------------------------------------------------------------------

TEST_CASE("isolated", "[.]") {
  note("in network " + network());
  CHECK(canServeOnHardCodedPort());
}

}  // namespace
