// Several ports at once, and consecutive ones.

#include <gmock/gmock.h>

#include <atomic>
#include <functional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <portpool/portpool.hpp>

#include "bind_log.hpp"
#include "platform/lease.hpp"
#include "surroundings.hpp"

namespace portpool::test {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::ThrowsMessage;
using ::testing::UnorderedElementsAreArray;

void expectUnused(PortPool& pool) {
  const auto statistics = pool.statistics();
  EXPECT_EQ(statistics.allocated, 0U);
  EXPECT_EQ(statistics.peak, 0U);
  EXPECT_EQ(statistics.lifetimeTotal, 0U);
  EXPECT_THAT(portsInTurn(pool), SizeIs(pool.ports().size())) << "a port is lost";
}

// ---- Several ------------------------------------------------------------------------------------

TEST(Several, AreDistinctLeasedAndReturned) {
  PortPool pool(freshPorts(20), impatient());
  {
    const auto ports = portsOf(pool.allocateSeveral(12));
    EXPECT_EQ(std::set<std::uint16_t>(ports.begin(), ports.end()).size(), 12U);
  }
  const auto owners = pool.allocateSeveral(20);
  EXPECT_THAT(portsOf(owners), UnorderedElementsAreArray(pool.ports().begin(), pool.ports().end()));
  for (const auto& owner : owners) EXPECT_TRUE(isLeased(owner.port()));
  EXPECT_EQ(pool.statistics().allocated, 20U);
  EXPECT_EQ(pool.statistics().peak, 20U);
  EXPECT_EQ(pool.statistics().lifetimeTotal, 32U);
}

TEST(Several, CanBeOne) {
  PortPool pool(freshPorts(3), impatient());
  EXPECT_THAT(pool.allocateSeveral(1), SizeIs(1));
}

TEST(Several, AreEachProbed) {
  PortPool pool(freshPorts(10), impatient());
  const auto busy = *pool.ports().begin();
  const auto listener = listenOn(busy);
  const auto others = pool.ports() - PortSet{{busy, busy}};
  EXPECT_THAT(portsOf(pool.allocateSeveral(9)),
              UnorderedElementsAreArray(others.begin(), others.end()));
}

TEST(Several, AreAllOrNone) {
  PortPool pool(freshPorts(10), impatient());
  {
    const auto listener = listenOn(*pool.ports().begin());
    EXPECT_THROW(pool.allocateSeveral(10), NoPortAvailableError);
  }
  expectUnused(pool);
}

TEST(Several, OfNoneOrOfMoreThanThereAreIsAnError) {
  PortPool pool(freshPorts(3), impatient());
  for (const std::size_t count : {0U, 4U}) {
    EXPECT_THAT([&] { pool.allocateSeveral(count); },
                ThrowsMessage<PortSpecificationError>(AllOf(
                    HasSubstr("a set of " + std::to_string(count) +
                              " TCP ports is requested from a pool of 3 ports that has none ("),
                    HasSubstr(count == 0 ? "ask for at least one" : "PORTPOOL_PORTS"))));
  }
  expectUnused(pool);
}

// Two who each had two of the ports would wait for each other's: here nobody keeps what he has.
TEST(Several, OfTwoWhoTogetherWantMoreThanThereAreEachHasHisTurn) {
  const auto ports = freshPorts(4);
  PortPool mine(ports), others(ports);
  const auto takeTurns = [](PortPool& pool) {
    for (int i = 0; i < 50; ++i) EXPECT_THAT(pool.allocateSeveral(3), SizeIs(3));
  };
  std::thread first([&] { takeTurns(mine); }), second([&] { takeTurns(mine); });
  std::thread third([&] { takeTurns(others); });
  first.join();
  second.join();
  third.join();
  EXPECT_EQ(mine.statistics().allocated, 0U);
}

// ---- Blocks -------------------------------------------------------------------------------------

TEST(Block, IsConsecutiveAscendingAndLeased) {
  PortPool pool(freshBlock(20), impatient());
  const auto owners = pool.allocateBlock(5);
  ASSERT_THAT(owners, SizeIs(5));
  EXPECT_THAT(portsOf(owners), ElementsAreArray(consecutive(owners.front().port(), 5)));
  for (const auto& owner : owners) EXPECT_TRUE(isLeased(owner.port()));
  EXPECT_EQ(pool.statistics().allocated, 5U);
  EXPECT_EQ(pool.statistics().peak, 5U);
  EXPECT_EQ(pool.statistics().lifetimeTotal, 5U);
}

TEST(Block, IsReturnedPortByPort) {
  PortPool pool(freshBlock(4), impatient());
  auto owners = pool.allocateBlock(4);
  EXPECT_THROW(pool.allocate(), NoPortAvailableError);
  const auto returned = owners[2].port();
  owners[2].cleanup();
  EXPECT_EQ(pool.allocate().port(), returned);
  EXPECT_THROW(pool.allocateBlock(2), NoPortAvailableError);
  owners.clear();
  EXPECT_THAT(pool.allocateBlock(4), SizeIs(4));
}

// Whatever port the walk begins with, it finds the one block that there is.
TEST(Block, IsFoundAcrossTheStartOfTheWalk) {
  const auto ports = freshBlock(6);
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    PortPool pool(ports, seeded(seed));
    EXPECT_THAT(portsOf(pool.allocateBlock(6)), ElementsAreArray(consecutive(at(ports, 0), 6)));
  }
}

TEST(Block, BeginsAnywhereInTheRun) {
  const auto ports = freshBlock(6);
  std::set<std::uint16_t> firsts;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    PortPool pool(ports, seeded(seed));
    firsts.insert(pool.allocateBlock(3).front().port());
  }
  EXPECT_THAT(firsts, ElementsAreArray(consecutive(at(ports, 0), 4)));
}

TEST(Block, DoesNotReachOverAGapOrTheEndOfTheSet) {
  auto ports = freshBlock(9);
  const PortSet gap{{at(ports, 4), at(ports, 4)}};
  const auto first = at(ports, 0), second = at(ports, 5);
  ports -= gap;
  std::set<std::uint16_t> firsts;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    PortPool pool(ports, seeded(seed));
    firsts.insert(pool.allocateBlock(4).front().port());
  }
  EXPECT_THAT(firsts, UnorderedElementsAreArray({first, second}));
}

TEST(Block, OfOnePortMayBeAnyPort) {
  PortPool pool(freshPorts(5), impatient());
  std::vector<TCPPortOwner> owners;
  for (int i = 0; i < 5; ++i) {
    auto block = pool.allocateBlock(1);
    ASSERT_THAT(block, SizeIs(1));
    owners.push_back(std::move(block.front()));
  }
  EXPECT_THAT(portsOf(owners), UnorderedElementsAreArray(pool.ports().begin(), pool.ports().end()));
}

TEST(Block, CanBeAThousandPorts) {
  checkInChild([] {
    allowSockets(1200);
    PortPool pool(getServerTCPPorts());
    const auto owners = pool.allocateBlock(1000);
    ASSERT_THAT(owners, SizeIs(1000));
    EXPECT_THAT(portsOf(owners), ElementsAreArray(consecutive(owners.front().port(), 1000)));
    for (const auto& owner : owners) EXPECT_EQ(bindAnew("127.0.0.1", owner.port()), 0);
  });
}

TEST(Block, WithAPortThatAForeignProgramUsesIsNone) {
  PortPool pool(freshBlock(5), impatient());
  {
    const auto listener = listenOn(at(pool.ports(), 2));
    EXPECT_THAT([&] { pool.allocateBlock(3); },
                ThrowsMessage<NoPortAvailableError>(
                    AllOf(HasSubstr("no block of 3 consecutive TCP ports became free in 0 s"),
                          HasSubstr("PORTPOOL_PORTS"), HasSubstr("PORTPOOL_WAIT_SECONDS"))));
  }
  expectUnused(pool);
}

TEST(Block, OfAnotherRunIsTakenIfAForeignProgramUsesOne) {
  const auto ports = freshBlock(8);
  const auto listener = listenOn(at(ports, 3));
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    PortPool pool(ports, seeded(seed));
    const auto block = pool.allocateBlock(4);
    EXPECT_THAT(portsOf(block), ElementsAreArray(consecutive(at(ports, 4), 4)));
    EXPECT_THAT(allocateAll(pool), SizeIs(3)) << "ports tried in vain are lost";
  }
}

TEST(Block, WithAPortThatAnotherPoolLeasesIsNone) {
  PortPool pool(freshBlock(5), impatient());
  PortPool other(PortSet{{at(pool.ports(), 2), at(pool.ports(), 2)}});
  auto owner = other.allocate();
  EXPECT_THROW(pool.allocateBlock(3), NoPortAvailableError);
  owner.cleanup();
  expectUnused(pool);
}

TEST(Block, TakesPortsThatWereBusyOnce) {
  PortPool pool(freshBlock(3), impatient());
  {
    const auto listener = listenOn(at(pool.ports(), 1));
    EXPECT_THAT(allocateAll(pool), SizeIs(2));
  }
  EXPECT_THAT(pool.allocateBlock(3), SizeIs(3));
}

TEST(Block, WaitsForThePortThatItLacks) {
  PortPool pool(freshBlock(3));
  auto listener = listenOn(at(pool.ports(), 1));
  StderrReader stderrReader;
  std::thread waiter([&] { EXPECT_THAT(pool.allocateBlock(3), SizeIs(3)); });
  EXPECT_THAT(stderrReader.line(),
              HasSubstr("waiting for a block of 3 consecutive TCP ports, up to 60 s; "));
  listener.close();
  waiter.join();
}

TEST(Block, OfNoneOrLongerThanEveryRunIsAnErrorThatNamesTheRuns) {
  auto ports = freshBlock(8);
  ports -= PortSet{{at(ports, 2), at(ports, 2)}};
  PortPool pool(ports, impatient());
  for (const std::size_t count : {0U, 6U, 7U, 100000U}) {
    EXPECT_THAT([&] { pool.allocateBlock(count); },
                ThrowsMessage<PortSpecificationError>(AllOf(
                    HasSubstr("a block of " + std::to_string(count) + " consecutive TCP ports"),
                    HasSubstr("a pool of 7 ports that has none (" + ports.toString() + ')'),
                    HasSubstr(count == 0 ? "ask for at least one" : "PORTPOOL_PORTS"))));
  }
  expectUnused(pool);
}

TEST(Block, OnAFreeMachineCostsALeaseAndAProbeForEachPort) {
  const std::size_t bindsOfALease = areLeasesBound() ? 1 : 0;
  PortPool pool(freshBlock(64), impatient());
  const BindLog log;
  for (const std::size_t count : {1U, 2U, 4U, 16U}) {
    const auto before = log.calls().size();
    pool.allocateBlock(count);
    EXPECT_EQ(log.calls().size() - before, (bindsOfALease + 1) * count) << count;
  }
}

TEST(Block, ProbesNoBusyPortAgainWhileOthersAreFree) {
  const auto ports = freshBlock(100);
  std::vector<platform::Socket> busy;
  for (std::size_t i = 0; i < ports.size(); ++i) {
    if (i < 50 || i >= 54) busy.push_back(listenOn(at(ports, i)));
  }
  PortPool pool(ports, impatient());
  const BindLog log;
  constexpr std::size_t kTimes = 200;
  for (std::size_t i = 0; i < kTimes; ++i) {
    EXPECT_EQ(pool.allocateBlock(4).front().port(), at(ports, 50));
  }
  // Of each a lease and a probe: of the block's ports each time, and once of those that are busy.
  EXPECT_LE(log.calls().size(), kTimes * 4 * 2 + busy.size() * 2);
}

TEST(Block, LeasesNothingWhileAPortThatItNeedsIsLeased) {
  PortPool pool(freshBlock(8), impatient());
  const auto lease = platform::makeLeaseRegistry()->tryAcquire(at(pool.ports(), 3));
  EXPECT_THROW(pool.allocateBlock(8), NoPortAvailableError);
  EXPECT_THROW(pool.allocateSeveral(8), NoPortAvailableError);
  const BindLog log;
  EXPECT_THROW(pool.allocateBlock(8), NoPortAvailableError);
  EXPECT_THROW(pool.allocateSeveral(8), NoPortAvailableError);
  for (const auto& call : log.calls()) {
    if (call.size() > std::string("lease 65535").size()) continue;  // a place in line, of no port
    EXPECT_THAT(call, AnyOf("lease " + std::to_string(at(pool.ports(), 3)), "probe 0"));
  }
}

TEST(Block, WithABadHostIsAnErrorAtOnceThatLosesNoPort) {
  PortPool pool(freshBlock(3));
  const auto owner = pool.allocate();
  PortRequest request;
  request.hosts = {"192.0.2.1"};
  EXPECT_THROW(pool.allocateBlock(3, request), HostError);
  EXPECT_EQ(pool.statistics().allocated, 1U);
}

// ---- Blocks of another shape --------------------------------------------------------------------

PortRequest shaped(std::uint16_t multipleOf, std::uint16_t distance, Transport transport) {
  PortRequest request;
  request.multipleOf = multipleOf;
  request.distance = distance;
  request.transport = transport;
  return request;
}

class ShapedBlock : public ::testing::TestWithParam<Transport> {};

INSTANTIATE_TEST_SUITE_P(Block, ShapedBlock,
                         ::testing::Values(Transport::TCP, Transport::UDP, Transport::Both),
                         [](const auto& transport) {
                           return transport.param == Transport::TCP   ? "TCP"
                                  : transport.param == Transport::UDP ? "UDP"
                                                                      : "Both";
                         });

TEST_P(ShapedBlock, BeginsAtAMultiple) {
  const auto ports = freshBlock(7);
  const auto request = shaped(2, 1, GetParam());
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    PortPool pool(ports, seeded(seed));
    for (std::size_t count : {1U, 2U, 3U}) {
      const auto block = portsOf(pool.allocateBlock(count, request));
      EXPECT_EQ(block.front() % 2, 0) << seed;
      EXPECT_THAT(block, ElementsAreArray(consecutive(block.front(), count)));
    }
    EXPECT_EQ(pool.allocate(request).port() % 2, 0) << seed;
  }
}

TEST_P(ShapedBlock, HasItsPortsAtADistance) {
  const auto ports = freshBlock(12);
  const auto request = shaped(1, 5, GetParam());
  PortPool pool(ports, impatient());
  const auto block = pool.allocateBlock(3, request);
  const auto first = block.front().port();
  EXPECT_THAT(portsOf(block), ElementsAreArray({first, static_cast<std::uint16_t>(first + 5),
                                                static_cast<std::uint16_t>(first + 10)}));
  for (const auto& owner : block) EXPECT_TRUE(isLeased(owner.port()));
  EXPECT_EQ(pool.statistics().allocated, 3U);
}

TEST(Block, AtADistanceIsEveryOneThatThereIs) {
  const auto ports = freshBlock(10);
  PortPool pool(ports, impatient());
  std::vector<TCPPortOwner> owners;
  for (int i = 0; i < 5; ++i) {
    for (auto& owner : pool.allocateBlock(2, shaped(1, 5, Transport::TCP))) {
      owners.push_back(std::move(owner));
    }
  }
  EXPECT_THAT(portsOf(owners), UnorderedElementsAreArray(ports.begin(), ports.end()));
}

TEST(Block, AtADistanceIsAnotherOneWhereAForeignProgramUsesAPort) {
  const auto ports = freshBlock(4);
  const auto listener = listenOn(at(ports, 2));
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    PortPool pool(ports, seeded(seed));
    EXPECT_EQ(pool.allocateBlock(2, shaped(1, 2, Transport::TCP)).front().port(), at(ports, 1));
  }
}

TEST(Block, OfAShapeThatThePoolDoesNotHaveIsAnError) {
  PortPool pool(freshBlock(4), impatient());
  EXPECT_THAT([&] { pool.allocateBlock(2, shaped(1, 4, Transport::TCP)); },
              ThrowsMessage<PortSpecificationError>(
                  AllOf(HasSubstr("a block of 2 TCP ports at a distance of 4 is requested"),
                        HasSubstr("allow"), HasSubstr("PORTPOOL_PORTS"))));
  EXPECT_THAT([&] { pool.allocate(shaped(50000, 1, Transport::UDP)); },
              ThrowsMessage<PortSpecificationError>(
                  HasSubstr("a UDP port that is a multiple of 50000 is requested")));
  expectUnused(pool);
}

TEST(Block, OfAShapeThatMakesNoSenseIsAnErrorThatSaysWhatAShapeIs) {
  PortPool pool(freshBlock(4), impatient());
  const auto isRefused = [&](const std::function<void()>& allocate) {
    EXPECT_THAT(allocate, ThrowsMessage<PortSpecificationError>(
                              HasSubstr("distance is between the ports of a block")));
  };
  isRefused([&] { pool.allocateBlock(2, shaped(1, 0, Transport::TCP)); });
  isRefused([&] { pool.allocateBlock(2, shaped(0, 1, Transport::TCP)); });
  isRefused([&] { pool.allocate(shaped(1, 2, Transport::TCP)); });
  isRefused([&] { pool.allocateSeveral(2, shaped(1, 2, Transport::TCP)); });
  isRefused([&] { pool.allocateSeveral(2, shaped(2, 1, Transport::TCP)); });
  expectUnused(pool);
}

TEST(Block, OfAShapeWaitsForThePortThatItLacks) {
  PortPool pool(freshBlock(4));
  auto owner = pool.allocateBlock(2, shaped(1, 3, Transport::TCP));
  std::thread waiter(
      [&] { EXPECT_THAT(pool.allocateBlock(2, shaped(1, 3, Transport::TCP)), SizeIs(2)); });
  untilSomebodyWaits(pool);
  owner.clear();
  waiter.join();
}

TEST(Block, OfThreadsThatWantTheLastOneEachGetsItInTurn) {
  constexpr int kThreads = 6, kTurns = 30;
  PortPool pool(freshBlock(4));
  std::atomic<int> holders{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int turn = 0; turn < kTurns; ++turn) {
        const auto block = pool.allocateBlock(3);
        EXPECT_EQ(++holders, 1) << "two threads have blocks of 3 of 4 ports";
        --holders;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(pool.statistics().lifetimeTotal, std::uint64_t{3} * kThreads * kTurns);
  EXPECT_EQ(pool.statistics().allocated, 0U);
}

}  // namespace
}  // namespace portpool::test
