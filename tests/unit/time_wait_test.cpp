// Ports with connections in TIME_WAIT or that are open, which keep servers without SO_REUSEADDR
// off.

#include <gmock/gmock.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <portpool/adapter.hpp>
#include <portpool/portpool.hpp>

#include "platform/lease.hpp"
#include "platform/port_users.hpp"
#include "probe.hpp"
#include "surroundings.hpp"

namespace portpool::test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Optional;
using ::testing::SizeIs;
using ::testing::ThrowsMessage;

TEST(TimeWait, IsWhatTheTestMakes) {
  const auto port = freshPort();
  leaveTimeWait(port);
  EXPECT_EQ(bindTo(openSocket(AF_INET), "127.0.0.1", port), EADDRINUSE);
}

TEST(TimeWait, IsAvoidedAsLongAsAnotherPortIsLeft) {
  PortPool pool(freshPorts(4), impatient());
  const auto order = portsInTurn(pool);
  leaveTimeWait(order[0]);
  leaveTimeWait(order[2]);
  const auto first = pool.allocate(), second = pool.allocate();
  EXPECT_EQ(first.port(), order[1]);
  EXPECT_EQ(second.port(), order[3]);
  EXPECT_EQ(allocateAll(pool).size(), 2U);
}

TEST(TimeWait, OneWhoAvoidsItDoesNotBlockTheOthers) {
  PortPool pool(freshPorts(2));
  auto owner = pool.allocate();
  const auto lingering = *(pool.ports() - PortSet{{owner.port(), owner.port()}}).begin();
  leaveTimeWait(lingering);
  std::thread first([&] {
    PortRequest request;
    request.avoidTimeWait = true;
    pool.allocate(request);
  });
  untilSomebodyWaits(pool);
  EXPECT_EQ(pool.allocate().port(), lingering);
  owner.cleanup();
  first.join();
}

/// The kernel shows ages in ticks, and not all at one moment: on a busy machine a reader may be
/// held up between two of them. So ages are apart by more than a tick, and one good reading is
/// enough.
void waitAFewTicks() { std::this_thread::sleep_for(std::chrono::milliseconds(30)); }

void expectInOrderOfAge(const std::vector<std::uint16_t>& expected) {
  PortSet ports;
  for (const auto port : expected) ports.insert(port);
  std::vector<std::uint16_t> order;
  for (int reading = 0; reading < 20 && order != expected; ++reading) {
    PortPool pool(ports, impatient());
    order = portsInTurn(pool);
  }
  EXPECT_EQ(order, expected);
}

TEST(TimeWait, TheOldestIsHandedOutFirst) {
  const auto ports = freshPorts(4);
  std::vector<std::uint16_t> byAge(ports.begin(), ports.end());
  std::reverse(byAge.begin(), byAge.end());  // not in the order of the numbers
  for (const auto port : byAge) {
    leaveTimeWait(port);
    waitAFewTicks();
  }
  expectInOrderOfAge(byAge);
}

TEST(TimeWait, IsAsOldAsItsYoungestConnection) {
  const auto ports = freshPorts(2);
  const auto twice = *ports.begin(), once = *++ports.begin();
  leaveTimeWait(twice);
  waitAFewTicks();
  leaveTimeWait(once);
  waitAFewTicks();
  leaveTimeWait(twice, "127.0.0.2");
  expectInOrderOfAge({once, twice});
}

TEST(TimeWait, IsNeverHandedOutToThoseWhoForbidIt) {
  PortPool pool(freshPorts(2), impatient());
  leaveTimeWait(*pool.ports().begin());
  PortRequest request;
  request.avoidTimeWait = true;
  EXPECT_THAT(portsInTurn(pool, request), ElementsAre(*++pool.ports().begin()));
  EXPECT_EQ(allocateAll(pool).size(), 2U);
}

TEST(TimeWait, APortHandedOutSoCanBeBoundWithReuseaddr) {
  PortPool pool(freshPorts(1), impatient());
  leaveTimeWait(*pool.ports().begin());
  const auto owner = pool.allocate();
  EXPECT_NO_THROW(listenOn(owner.port(), "0.0.0.0", Reuse::Yes));
}

TEST(TimeWait, OfAServerWithoutReuseaddrIsNotHandedOutSinceNobodyCanBindIt) {
  PortPool pool(freshPorts(1), impatient());
  const auto port = *pool.ports().begin();
  leaveTimeWait(port, "127.0.0.1", Reuse::No);
  ASSERT_THAT(platform::socketsOn({{port, port}}, Transport::TCP), Optional(Not(IsEmpty())));
  ASSERT_EQ(bindTo(openSocket(AF_INET, Reuse::Yes), "0.0.0.0", port), EADDRINUSE);
  EXPECT_THAT(allocateAll(pool), IsEmpty());
}

TEST(TimeWait, DoesNotMakeAPortFreeThatAnotherProgramUses) {
  PortPool pool(freshPorts(1), impatient());
  const auto port = *pool.ports().begin();
  leaveTimeWait(port);
  const auto server = listenOn(port, "127.0.0.1", Reuse::Yes);
  EXPECT_THAT(allocateAll(pool), IsEmpty());
}

// It sets SO_REUSEADDR, so that another could bind beside it, and is about to listen.
TEST(TimeWait, DoesNotMakeAPortFreeThatAnotherProgramHasBound) {
  PortPool pool(freshPorts(1), impatient());
  const auto port = *pool.ports().begin();
  leaveTimeWait(port);
  const auto server = openSocket(AF_INET, Reuse::Yes);
  ASSERT_EQ(bindTo(server, "0.0.0.0", port), 0);
  EXPECT_THAT(allocateAll(pool), IsEmpty());
}

TEST(TimeWait, DoesNotMakeAPortFreeThatAnotherProcessLeases) {
  PortPool pool(freshPorts(1), impatient());
  const auto port = *pool.ports().begin();
  leaveTimeWait(port);
  const auto lease = platform::makeLeaseRegistry()->tryAcquire(port);
  ASSERT_TRUE(lease);
  EXPECT_THAT(allocateAll(pool), IsEmpty());
}

TEST(TimeWait, OfOtherPortsIsNoReasonToHandThemOut) {
  leaveTimeWait(freshPort());
  PortPool pool(freshPorts(1), impatient());
  EXPECT_THAT(portsInTurn(pool), ElementsAreArray(pool.ports()));
}

TEST(Probe, IsExclusiveAfterOneThatWasNot) {
  const auto used = freshPort(), lingering = freshPort();
  leaveTimeWait(used);
  const auto server = listenOn(used, "127.0.0.1", Reuse::Yes);
  leaveTimeWait(lingering);
  Probe probe{detail::defaultRequest()};
  EXPECT_EQ(probe.isFree(used, Probe::Mode::BesidesLingering), Probe::Result::Busy);
  EXPECT_EQ(probe.isFree(lingering), Probe::Result::Busy);
  EXPECT_EQ(probe.isFree(lingering, Probe::Mode::BesidesLingering), Probe::Result::Free);
  EXPECT_EQ(probe.isFree(lingering), Probe::Result::Busy);
}

TEST(Waiting, InVainForTimeWaitSaysSo) {
  PortPool pool(freshPorts(1), impatient());
  leaveTimeWait(*pool.ports().begin());
  PortRequest request;
  request.avoidTimeWait = true;
  EXPECT_THAT([&] { pool.allocate(request); },
              ThrowsMessage<NoPortAvailableError>(
                  HasSubstr(pool.ports().toString() + " by connections in TIME_WAIT or the like")));
}

// ---- Connections that are open ------------------------------------------------------------------

/// A connection to a server that has ended: the end that it accepted, and the client's.
struct Connection {
  platform::Socket accepted;
  platform::Socket client;
};

Connection connectionOn(std::uint16_t port, Reuse reuse) {
  const auto server = listenOn(port, "127.0.0.1", reuse);
  const Address address("127.0.0.1", port);
  auto client = openSocket(AF_INET);
  EXPECT_EQ(::connect(client.get(), address.get(), address.size()), 0);
  platform::Socket accepted(acceptFrom(server.get()));
  return {std::move(accepted), std::move(client)};
}

TEST(Leaks, AreConnectionsThatWereNeverClosed) {
  for (const auto reuse : {Reuse::Yes, Reuse::No}) {
    PortScope scope("a test");
    const auto port = getNextAvailableTCPPort();
    const auto connection = connectionOn(port, reuse);
    EXPECT_THAT(describePorts(),
                HasSubstr("nothing listens, but a connection is open in " + thisProcess()));
    const StderrReader stderrReader;
    EXPECT_THAT(scope.end(), IsEmpty());
    EXPECT_THAT(stderrReader.rest(),
                AllOf(HasSubstr("a connection on its port " + std::to_string(port) +
                                " is still open in " + thisProcess()),
                      HasSubstr("close it within the test"), Not(HasSubstr("stop the server"))));
  }
}

// ---- Several ports at once ----------------------------------------------------------------------

TEST(Block, HasPortsInTimeWaitWhereNoOtherIsLeft) {
  const auto ports = freshBlock(4);
  const auto first = *ports.begin();
  leaveTimeWait(at(ports, 1));
  {
    PortPool pool(ports, impatient());
    EXPECT_THAT(portsOf(pool.allocateBlock(2)), ElementsAreArray(consecutive(at(ports, 2), 2)));
  }
  PortPool pool(ports, impatient());
  EXPECT_THAT(portsOf(pool.allocateBlock(4)), ElementsAreArray(consecutive(first, 4)));
  EXPECT_THAT(portsOf(pool.allocateBlock(3)), SizeIs(3));

  PortRequest request;
  request.avoidTimeWait = true;
  EXPECT_THROW(pool.allocateBlock(4, request), NoPortAvailableError);
  EXPECT_THAT(pool.allocateBlock(2, request), SizeIs(2));

  const auto foreign = listenOn(at(ports, 3));
  EXPECT_THROW(pool.allocateBlock(4), NoPortAvailableError);
}

// Of which a process does not know yet that they are busy, or that it has given up before.
TEST(Several, AndBlocksMayBeOfPortsThatAllLinger) {
  const auto ports = freshBlock(4);
  for (const auto port : ports) leaveTimeWait(port);
  for (int i = 0; i < 3; ++i) {
    PortPool several(ports, impatient()), block(ports, impatient());
    for (int again = 0; again < 2; ++again) {
      EXPECT_THAT(several.allocateSeveral(4), SizeIs(4));
      EXPECT_THAT(block.allocateBlock(4), SizeIs(4));
      EXPECT_THAT(several.allocateSeveral(3), SizeIs(3));
      EXPECT_THAT(block.allocateBlock(3), SizeIs(3));
      // Their last look-up of what lingers may be too young for another.
      EXPECT_THAT(PortPool(ports).allocateSeveral(3), SizeIs(3));
    }
  }
}

TEST(Several, ThatLackOnePortTakeNoneThatLingers) {
  const auto ports = freshBlock(4);
  for (const auto port : ports) leaveTimeWait(port);
  const auto foreign = listenOn(at(ports, 2), "0.0.0.0", Reuse::Yes);
  PortPool pool(ports, impatient());
  EXPECT_THROW(pool.allocateSeveral(4), NoPortAvailableError);
  EXPECT_THROW(pool.allocateBlock(3), NoPortAvailableError);
  EXPECT_THAT(PortPool(ports).allocateSeveral(3), SizeIs(3));
}

}  // namespace
}  // namespace portpool::test
