// Ports that programs use which know nothing of portpool.

#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <ostream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <portpool/portpool.hpp>

#include "platform/lease.hpp"
#include "platform/port_users.hpp"
#include "surroundings.hpp"
#include "system/system.hpp"

namespace portpool::test {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Optional;

// ---- Bound and listening sockets ----------------------------------------------------------------

struct Request {
  const char* name;
  PortRequest request;
};

const std::vector<Request>& requests() {
  static const std::vector<Request> all = {
      {"default", {}},
      {"IPv4", {{"", "localhost"}, AddressFamily::IPv4}},
      {"IPv6", {{"", "localhost"}, AddressFamily::IPv6}},
      {"localhost", {{"localhost"}}},
      {"localhost IPv4", {{"localhost"}, AddressFamily::IPv4}},
      {"localhost IPv6", {{"localhost"}, AddressFamily::IPv6}},
      {"127.0.0.1", {{"127.0.0.1"}}},
      {"127.0.0.2", {{"127.0.0.2"}}},
      {"127.0.0.2 and ::1", {{"127.0.0.2", "::1"}}},
      {"0.0.0.0", {{"0.0.0.0"}}},
      {"::1", {{"::1"}}},
      {"::", {{"::"}}},
      {":: IPv6", {{"::"}, AddressFamily::IPv6}},
  };
  return all;
}

struct Foreign {
  const char* name;
  const char* host;
  bool onlyIPv6;
  std::vector<std::string> avoidedBy;  // names of requests

  friend void PrintTo(const Foreign& foreign, std::ostream* out) { *out << foreign.host; }
};

class ForeignSocket : public ::testing::TestWithParam<Foreign> {
 protected:
  static void expectAvoided(bool listens) {
    const bool isIPv6 = std::string_view(GetParam().host).find(':') != std::string_view::npos;
    if (isIPv6 && !hasIPv6()) GTEST_SKIP() << "this machine has no IPv6";
    const auto port = freshPort();
    const auto socket = openSocket(isIPv6 ? AF_INET6 : AF_INET);
    ASSERT_EQ(bindTo(socket, GetParam().host, port, GetParam().onlyIPv6), 0);
    ASSERT_EQ(listens ? ::listen(socket.get(), 1) : 0, 0);
    std::vector<std::string> avoidedBy;
    for (const auto& [name, request] : requests()) {
      if (request.family != AddressFamily::IPv4 && !hasIPv6()) continue;
      PortPool pool(PortSet{{port, port}}, impatient());
      if (allocateAll(pool, request).empty()) avoidedBy.emplace_back(name);
    }
    EXPECT_THAT(avoidedBy, ElementsAreArray(GetParam().avoidedBy));
  }
};

INSTANTIATE_TEST_SUITE_P(
    CrowdedMachine, ForeignSocket,
    ::testing::Values(
        Foreign{"EveryIPv4",
                "0.0.0.0",
                false,
                {"default", "IPv4", "localhost", "localhost IPv4", "127.0.0.1", "127.0.0.2",
                 "127.0.0.2 and ::1", "0.0.0.0", "::"}},
        Foreign{"Loopback",
                "127.0.0.1",
                false,
                {"default", "IPv4", "localhost", "localhost IPv4", "127.0.0.1", "0.0.0.0", "::"}},
        Foreign{"OtherLoopback",
                "127.0.0.2",
                false,
                {"default", "IPv4", "127.0.0.2", "127.0.0.2 and ::1", "0.0.0.0", "::"}},
        Foreign{"DualStack",
                "::",
                false,
                {"default", "IPv4", "IPv6", "localhost", "localhost IPv4", "localhost IPv6",
                 "127.0.0.1", "127.0.0.2", "127.0.0.2 and ::1", "0.0.0.0", "::1", "::", ":: IPv6"}},
        Foreign{"EveryIPv6",
                "::",
                true,
                {"default", "IPv6", "localhost", "localhost IPv6", "127.0.0.2 and ::1", "::1",
                 "::", ":: IPv6"}},
        Foreign{"LoopbackV6",
                "::1",
                false,
                {"default", "IPv6", "localhost", "localhost IPv6", "127.0.0.2 and ::1", "::1",
                 "::", ":: IPv6"}}),
    [](const auto& foreign) { return foreign.param.name; });

TEST_P(ForeignSocket, ThatListensIsAvoidedWhereItMatters) { expectAvoided(true); }
TEST_P(ForeignSocket, ThatIsOnlyBoundIsAvoidedWhereItMatters) { expectAvoided(false); }

TEST(CrowdedMachine, APortIsFreeAgainWhenItsUserIsGone) {
  PortPool pool(freshPorts(1), impatient());
  auto listener = listenOn(*pool.ports().begin());
  EXPECT_THAT(allocateAll(pool), IsEmpty());
  listener.close();
  EXPECT_EQ(allocateAll(pool).size(), 1U);
}

TEST(CrowdedMachine, PortsFoundBusyAreTriedLast) {
  PortPool pool(freshPorts(10), impatient());
  const auto order = portsInTurn(pool);  // which is the order of the next round, too
  std::vector<platform::Socket> listeners;
  listeners.reserve(4);
  for (int i = 0; i < 4; ++i) listeners.push_back(listenOn(order[static_cast<std::size_t>(i)]));
  {
    const auto first = pool.allocate();  // finds the four busy
    EXPECT_EQ(first.port(), order[4]);
  }
  listeners.clear();
  EXPECT_THAT(portsInTurn(pool), ElementsAre(order[5], order[6], order[7], order[8], order[9],
                                             order[4], order[0], order[1], order[2], order[3]));
}

TEST(CrowdedMachine, AForeignLeaseIsASuspectToo) {
  PortPool pool(freshPorts(3), impatient());
  const auto order = portsInTurn(pool);
  auto lease = platform::makeLeaseRegistry()->tryAcquire(order[0]);
  EXPECT_EQ(pool.allocate().port(), order[1]);
  lease.reset();
  EXPECT_THAT(portsInTurn(pool), ElementsAre(order[2], order[1], order[0]));
}

TEST(CrowdedMachine, LocalhostIsWhatThereIsOfIt) {
  checkInChild([] {
    if (!enterOwnNetwork()) throw Refused("the kernel refuses a network namespace");
    switchOffIPv6();
    PortPool pool(PortSet{{20000, 20000}}, impatient());
    EXPECT_EQ(pool.allocate().port(), 20000);
    EXPECT_EQ(pool.allocate({{"localhost"}}).port(), 20000);
    EXPECT_THROW(pool.allocate({{"localhost"}, AddressFamily::IPv6}), HostError);
    EXPECT_THROW(pool.allocate({{"::1"}}), HostError);
    const auto listener = listenOn(20000, "127.0.0.1");
    EXPECT_THAT(allocateAll(pool), IsEmpty());
  });
}

// ---- TIME_WAIT ----------------------------------------------------------------------------------

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

}  // namespace
}  // namespace portpool::test
