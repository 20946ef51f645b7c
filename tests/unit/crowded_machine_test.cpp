// Ports that programs use which know nothing of portpool.

#include <gmock/gmock.h>

#include <cstddef>
#include <vector>

#include <portpool/portpool.hpp>

#include "platform/lease.hpp"
#include "surroundings.hpp"

namespace portpool::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

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

}  // namespace
}  // namespace portpool::test
