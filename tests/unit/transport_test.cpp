// Ports for TCP, for UDP, and for both.

#include <gmock/gmock.h>

#include <cerrno>
#include <string>

#include <portpool/adapter.hpp>
#include <portpool/portpool.hpp>

#include "platform/lease.hpp"
#include "surroundings.hpp"

namespace portpool::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

PortRequest requestFor(Transport transport) {
  PortRequest request;
  request.transport = transport;
  return request;
}

bool canAllocate(PortPool& pool, const PortRequest& request) {
  try {
    return pool.allocate(request).port() != 0;
  } catch (const NoPortAvailableError&) {
    return false;
  }
}

struct ForeignUse {
  const char* name;
  const char* host;
  int type;
  Reuse reuse;
};

class TransportAgainst : public ::testing::TestWithParam<ForeignUse> {};

INSTANTIATE_TEST_SUITE_P(
    Transport, TransportAgainst,
    ::testing::Values(ForeignUse{"Tcp", "0.0.0.0", SOCK_STREAM, Reuse::No},
                      ForeignUse{"TcpOfLoopback", "127.0.0.1", SOCK_STREAM, Reuse::No},
                      ForeignUse{"TcpOfIPv6", "::1", SOCK_STREAM, Reuse::No},
                      ForeignUse{"Udp", "0.0.0.0", SOCK_DGRAM, Reuse::No},
                      ForeignUse{"UdpOfLoopback", "127.0.0.1", SOCK_DGRAM, Reuse::No},
                      ForeignUse{"UdpOfIPv6", "::1", SOCK_DGRAM, Reuse::No},
                      // On UDP, SO_REUSEADDR would see past it.
                      ForeignUse{"UdpToBeShared", "127.0.0.1", SOCK_DGRAM, Reuse::AddressAndPort}),
    [](const auto& foreign) { return foreign.param.name; });

TEST_P(TransportAgainst, ForeignSocketIsFreeForTheOtherOneOnly) {
  const auto& [name, host, type, reuse] = GetParam();
  if (std::string(host) == "::1" && !hasIPv6()) GTEST_SKIP() << "this machine has no IPv6";
  PortPool pool(freshPorts(1), impatient());
  const auto family = std::string(host) == "::1" ? AF_INET6 : AF_INET;
  auto socket = openSocket(family, reuse, type);
  ASSERT_EQ(bindTo(socket, host, *pool.ports().begin()), 0);
  EXPECT_EQ(canAllocate(pool, requestFor(Transport::TCP)), type == SOCK_DGRAM);
  EXPECT_EQ(canAllocate(pool, requestFor(Transport::UDP)), type == SOCK_STREAM);
  EXPECT_FALSE(canAllocate(pool, requestFor(Transport::Both)));
  socket.close();
  for (const auto transport : {Transport::TCP, Transport::UDP, Transport::Both}) {
    EXPECT_TRUE(canAllocate(pool, requestFor(transport)));
  }
}

TEST(Transport, IsTcpByDefault) { EXPECT_EQ(PortRequest().transport, Transport::TCP); }

TEST(Transport, BothIsFreeOnBothForServersWithoutFlags) {
  PortPool pool(freshPorts(1), impatient());
  const auto owner = pool.allocate(requestFor(Transport::Both));
  const auto tcp = listenOn(owner.port());
  EXPECT_EQ(bindAnew("0.0.0.0", owner.port(), Reuse::No, SOCK_DGRAM), 0);
}

TEST(Transport, OfOneNumberIsLeasedOnce) {
  for (const auto first : {Transport::TCP, Transport::UDP, Transport::Both}) {
    PortPool pool(freshPorts(1), impatient()), other(pool.ports(), impatient());
    const auto owner = pool.allocate(requestFor(first));
    for (const auto second : {Transport::TCP, Transport::UDP, Transport::Both}) {
      EXPECT_FALSE(canAllocate(pool, requestFor(second)));
      EXPECT_FALSE(canAllocate(other, requestFor(second)));
    }
  }
}

TEST(Transport, UdpIsNotHandedOutBesideAForeignSocketThoughTcpIsInTimeWait) {
  PortPool pool(freshPorts(1), impatient());
  const auto port = *pool.ports().begin();
  leaveTimeWait(port);
  const auto foreign = openSocket(AF_INET, Reuse::Yes, SOCK_DGRAM);
  ASSERT_EQ(bindTo(foreign, "127.0.0.1", port), 0);
  EXPECT_FALSE(canAllocate(pool, requestFor(Transport::UDP)));
  EXPECT_FALSE(canAllocate(pool, requestFor(Transport::Both)));
  EXPECT_TRUE(canAllocate(pool, requestFor(Transport::TCP)));
}

TEST(Transport, UdpDoesNotMindTimeWait) {
  PortPool pool(freshPorts(1), impatient());
  leaveTimeWait(*pool.ports().begin());
  auto request = requestFor(Transport::UDP);
  request.avoidTimeWait = true;
  EXPECT_TRUE(canAllocate(pool, request));
}

TEST(Transport, UdpCannotBeHeld) {
  PortPool pool(freshPorts(1), impatient());
  for (const auto hold : {Hold::Shared, Hold::Exclusive}) {
    auto request = requestFor(Transport::UDP);
    request.hold = hold;
    const auto saysWhy = ThrowsMessage<PortSpecificationError>(
        AllOf(HasSubstr("a UDP port cannot be held"), HasSubstr("Hold::None")));
    EXPECT_THAT([&] { pool.allocate(request); }, saysWhy);
    EXPECT_THAT([&] { pool.allocateSeveral(1, request); }, saysWhy);
    EXPECT_THAT([&] { pool.allocateBlock(1, request); }, saysWhy);
  }
  EXPECT_EQ(pool.statistics().lifetimeTotal, 0U);
  EXPECT_TRUE(canAllocate(pool, {}));
}

TEST(Transport, UdpPortsAreTheScopes) {
  std::uint16_t inner = 0, outer = 0;
  const auto isLeased = [](std::uint16_t port) {
    return !platform::makeLeaseRegistry()->tryAcquire(port);
  };
  {
    const PortScope scope;
    outer = getNextAvailableUDPPort();
    const PortScope within;
    inner = getNextAvailableUDPPort();
    EXPECT_THAT(within.ports(), ::testing::ElementsAre(inner));
    EXPECT_THAT(scope.ports(), ::testing::ElementsAre(outer));
    for (const auto port : {inner, outer}) {
      EXPECT_TRUE(isLeased(port));
      EXPECT_EQ(bindAnew("0.0.0.0", port, Reuse::No, SOCK_DGRAM), 0);
    }
  }
  EXPECT_FALSE(isLeased(inner));
  EXPECT_FALSE(isLeased(outer));
}

}  // namespace
}  // namespace portpool::test
