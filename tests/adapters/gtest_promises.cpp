// The scenarios of promises_test.cpp on the stronger promises.

#include "promises.hpp"
#include "subject.hpp"
#include "support/network.hpp"

#include <portpool/gtest.hpp>

#include <cstdlib>
#include <stdexcept>

namespace {

using namespace portpool;

// ---- Every function -----------------------------------------------------------------------------

TEST(Promises, OfFunctions) {
  const Bracket test("test");
  EXPECT_EQ(faultsOf({getNextAvailableTCPPorts(3), getNextAvailableTCPPortBlock(3),
                      getNextAvailableUDPPort(), getNextAvailableTCPPort(held()),
                      getRefusedTCPPort(), getListeningTCPSocket()}),
            "");
}

class PromisesOfFixture : public portpool::gtest::PortFixture<> {
 protected:
  Bracket bracket_{"test"};
  Promised promised_{getNextAvailableTCPPorts(3), getNextAvailableTCPPortBlock(3),
                     getNextAvailableUDPPort(),   getNextAvailableTCPPort(held()),
                     getRefusedTCPPort(),         getListeningTCPSocket()};
};
TEST_F(PromisesOfFixture, AreKept) { EXPECT_EQ(faultsOf(promised_), ""); }

TEST_F(PromisesOfFixture, HoldsByVariable) {
  EXPECT_TRUE(isHeld(getNextAvailableTCPPort()));
  EXPECT_TRUE(isHeld(portpool::getNextAvailableTCPPort()));
}

// ---- Names --------------------------------------------------------------------------------------

class NamedInSuite : public portpool::gtest::PortFixture<> {
 protected:
  static void SetUpTestSuite() { note("suite's", portpool::getNamedTCPPort("suite's")); }
  NotedServer server_{getNamedTCPPort("server")};
};
TEST_F(NamedInSuite, OneTest) {
  note("server", portpool::getNamedTCPPort("server"));
  note("suite's", portpool::getNamedTCPPort("suite's"));
  note("datagrams", getNamedUDPPort("datagrams"));
}
TEST_F(NamedInSuite, OtherTest) {
  note("server", portpool::getNamedTCPPort("server"));
  note("suite's", portpool::getNamedTCPPort("suite's"));
}

// ---- Leaks --------------------------------------------------------------------------------------

TEST(Leak, InBody) { leaveServer(getNextAvailableTCPPort()); }
TEST(Leak, Between) { NotedServer server(getNextAvailableTCPPort()); }
TEST(Leak, ToListeningChild) { leaveChild("listening", getNextAvailableTCPPort()); }
TEST(Leak, ToBoundChild) { leaveChild("bound", getNextAvailableTCPPort()); }
TEST(Leak, ToChildWithDatagrams) { leaveChild("datagrams", getNextAvailableUDPPort()); }
TEST(NoLeak, TimeWait) { leaveTimeWait(getNextAvailableTCPPort()); }
TEST(NoLeak, EndedServer) { NotedServer server(getNextAvailableTCPPort()); }

class LeakOfFixture : public portpool::gtest::PortFixture<> {
 protected:
  LeakOfFixture() { leaveServer(getNextAvailableTCPPort()); }
};
TEST_F(LeakOfFixture, Left) {}

class LeakOfSuite : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { leaveServer(getNextAvailableTCPPort()); }
};
TEST_F(LeakOfSuite, Innocent) {}
TEST(LeakOfSuiteOver, Innocent) {}

TEST(LeakedPort, First) { leaveServer(getNextAvailableTCPPort()); }
TEST(LeakedPort, IsNotHandedOut) {
  for (int i = 0; i < 3; ++i) note("next", TCPPortOwner().port());
}
TEST(LeakedPort, IsHandedOutOnceItIsFree) {
  endLeftServers();
  for (const auto port : getNextAvailableTCPPorts(2)) note("freed", port);
}

// ---- Failures -----------------------------------------------------------------------------------

class Failure : public portpool::gtest::PortFixture<> {
 protected:
  NotedServer server_{getNextAvailableTCPPort()};
};
TEST_F(Failure, ByAssertions) {
  note("idle", portpool::getNextAvailableTCPPort());
  EXPECT_EQ(1, 2);
  FAIL() << "again";
}
TEST_F(Failure, ByException) {
  note("idle", portpool::getNextAvailableTCPPort());
  throw std::runtime_error("trouble");
}
TEST_F(Failure, IsNotHere) { note("idle", portpool::getNextAvailableTCPPort()); }

// ---- Isolation ----------------------------------------------------------------------------------

TEST(Isolated, ServesOnHardCodedPort) {
  note("in network " + network());
  EXPECT_TRUE(canServeOnHardCodedPort());
}
TEST(Isolated, DeathTestStaysInIt) {
  note("in network " + network());
  EXPECT_EXIT(
      {
        note("child in network " + network());
        std::exit(canServeOnHardCodedPort() ? 3 : 1);
      },
      ::testing::ExitedWithCode(3), "child in network " + network());
}

}  // namespace
