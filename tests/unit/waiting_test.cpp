// What an allocation does while every port is taken.

#include <gmock/gmock.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <portpool/portpool.hpp>

#include "platform/lease.hpp"
#include "surroundings.hpp"
#include "waiting_line.hpp"

namespace portpool::test {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(Waiting, EndsWhenAnotherThreadReturnsAPort) {
  PortPool pool(freshPorts(1));
  auto owner = pool.allocate();
  std::uint16_t port = 0;
  std::thread waiter([&] { port = pool.allocate().port(); });
  untilSomebodyWaits(pool);
  EXPECT_EQ(pool.statistics().lifetimeTotal, 1U);
  owner.cleanup();
  waiter.join();
  EXPECT_EQ(port, *pool.ports().begin());
}

TEST(Waiting, EndsWhenAnotherPoolReturnsAPort) {
  PortPool pool(freshPorts(1)), other(pool.ports());
  auto owner = other.allocate();
  std::uint16_t port = 0;
  std::thread waiter([&] { port = pool.allocate().port(); });
  untilSomebodyWaits(pool);
  owner.cleanup();
  waiter.join();
  EXPECT_EQ(port, *pool.ports().begin());
}

TEST(Waiting, EndsWhenAForeignProgramLeavesAPort) {
  PortPool pool(freshPorts(1));
  auto listener = listenOn(*pool.ports().begin());
  std::uint16_t port = 0;
  std::thread waiter([&] { port = pool.allocate().port(); });
  untilSomebodyWaits(pool);
  listener.close();
  waiter.join();
  EXPECT_EQ(port, *pool.ports().begin());
}

TEST(Waiting, OneWhoWantsWhatHeCannotGetDoesNotBlockTheOthers) {
  PortPool pool(freshPorts(1));
  const auto port = *pool.ports().begin();
  auto listener = listenOn(port, "127.0.0.2");
  auto owner = pool.allocate({{"127.0.0.1"}});
  std::thread first([&] { pool.allocate({{"127.0.0.2"}}); });
  untilSomebodyWaits(pool);
  std::thread second([&] { pool.allocate({{"127.0.0.1"}}); });
  owner.cleanup();
  second.join();
  listener.close();
  first.join();
  EXPECT_EQ(pool.statistics().lifetimeTotal, 3U);
}

TEST(Waiting, ManyThreadsGetTheirTurn) {
  PortPool pool(freshPorts(1));
  auto owner = pool.allocate();
  std::vector<std::thread> waiters;
  waiters.reserve(20);
  for (int i = 0; i < 20; ++i) waiters.emplace_back([&] { pool.allocate(); });
  untilSomebodyWaits(pool);
  owner.cleanup();
  for (auto& waiter : waiters) waiter.join();
  EXPECT_EQ(pool.statistics().lifetimeTotal, 21U);
}

TEST(Waiting, ForNoTimeStillFindsAFreePort) {
  PortPool pool(freshPorts(1), impatient());
  for (int i = 0; i < 100; ++i) EXPECT_NE(pool.allocate().port(), 0);
}

TEST(Waiting, LastsForATenthOfASecondAtLeast) {
  PortPool pool(freshPorts(1), impatient());
  const auto owner = pool.allocate();
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THROW(pool.allocate(), NoPortAvailableError);
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(100));
}

TEST(Waiting, ForNoTimeFindsTheLastPortThoughOthersWait) {
  PortPool pool(freshPorts(1), impatient());
  const auto registry = platform::makeLeaseRegistry();
  const WaitingLine line(*registry, pool.ports());
  PlaceInLine other(line);
  ASSERT_TRUE(other.advance());
  EXPECT_NE(pool.allocate().port(), 0);
}

TEST(Waiting, ForTheLongestTimeThereIs) {
  PortPoolOptions options;
  options.waitTime = std::chrono::milliseconds::max();
  PortPool pool(freshPorts(1), options);
  auto owner = pool.allocate();
  std::thread waiter([&] { EXPECT_NO_THROW(pool.allocate()); });
  untilSomebodyWaits(pool);
  owner.cleanup();
  waiter.join();
  EXPECT_EQ(pool.statistics().lifetimeTotal, 2U);
}

TEST(Waiting, ForLessThanNothingIsNotWaiting) {
  PortPoolOptions options;
  options.waitTime = std::chrono::milliseconds::min();
  PortPool pool(freshPorts(1), options);
  const auto owner = pool.allocate();
  EXPECT_THROW(pool.allocate(), NoPortAvailableError);
}

TEST(Waiting, InVainEndsInAnErrorThatNamesTheHolderAndTheRemedies) {
  PortPool pool(quietPorts(2), impatient());
  const auto owners = allocateAll(pool);
  const auto ports = pool.ports().toString();
  EXPECT_THAT(
      [&] { pool.allocate(); },
      ThrowsMessage<NoPortAvailableError>(AllOf(
          HasSubstr("no TCP port became free in 0 s"),
          HasSubstr("taken ports of the pool (" + ports + "): " + ports + " by " + thisHolder()),
          HasSubstr("Return ports earlier"), HasSubstr("PORTPOOL_PORTS"),
          HasSubstr("PORTPOOL_WAIT_SECONDS"))));
}

TEST(Waiting, InVainForSeveralPortsSaysWhichAreTaken) {
  PortPool pool(quietPorts(2), impatient());
  const auto one = pool.allocate();
  const auto ports = pool.ports().toString(), port = std::to_string(one.port());
  EXPECT_THAT([&] { pool.allocateSeveral(2); },
              ThrowsMessage<NoPortAvailableError>(HasSubstr("taken ports of the pool (" + ports +
                                                            "): " + port + " by " + thisHolder())));
  const auto other = pool.allocate();
  EXPECT_THAT([&] { pool.allocateSeveral(2); },
              ThrowsMessage<NoPortAvailableError>(
                  HasSubstr("taken ports of the pool (" + ports + "): " + ports)));
}

TEST(Waiting, InVainForWhatIsOnlyBoundSaysByWhomIfTheSystemShowsIt) {
  PortPool pool(quietPorts(1), impatient());
  const auto port = pool.ports().toString();
  const auto bound = occupy(*pool.ports().begin());
  EXPECT_THAT(
      [&] { pool.allocate(); },
      ThrowsMessage<NoPortAvailableError>(AnyOf(
          HasSubstr("taken ports of the pool (" + port + "): " + port + " by " + thisProcess()),
          HasSubstr(port + " by no process that the system shows"))));
}

TEST(Waiting, IsReportedOnce) {
  PortPoolOptions options;
  options.waitTime = std::chrono::milliseconds(1200);
  PortPool pool(freshPorts(1), options);
  const auto owner = pool.allocate();
  const StderrReader stderrReader;
  EXPECT_THROW(pool.allocate(), NoPortAvailableError);
  const auto report = stderrReader.rest();  // none if this thread was held up until the wait ended
  EXPECT_EQ(report.find("waiting for"), report.rfind("waiting for")) << report;
}

TEST(Waiting, IsReportedByTheFirstInLineAlone) {
  PortPoolOptions longer, shorter;
  longer.waitTime = kForEver;
  shorter.waitTime = std::chrono::milliseconds(1500);
  PortPool pool(freshPorts(1), longer), other(pool.ports(), shorter);
  auto owner = pool.allocate();
  const StderrReader stderrReader;
  std::thread first([&] { pool.allocate(); });
  untilSomebodyWaits(pool);
  EXPECT_THROW(other.allocate(), NoPortAvailableError);
  owner.cleanup();
  first.join();
  const auto report = stderrReader.rest();
  EXPECT_EQ(report.find("waiting for"), report.rfind("waiting for")) << report;
}

}  // namespace
}  // namespace portpool::test
