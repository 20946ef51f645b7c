// The faults of PySys and CPython that portpool does not keep, as DESIGN.md lists them.

#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <vector>

#include <portpool/portpool.hpp>

#include "bind_log.hpp"
#include "platform/lease.hpp"
#include "surroundings.hpp"

namespace portpool::test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;

TEST(Originals, TheEndsOfTheEphemeralRangeAreNoServerPorts) {
  const auto range = getEphemeralTCPPortRange();
  const auto ports = getServerTCPPorts();
  EXPECT_FALSE(ports.contains(range.first));
  EXPECT_FALSE(ports.contains(range.last));
}

TEST(Originals, HostsAreNotIgnored) {
  EXPECT_THROW(getNextAvailableTCPPort({"192.0.2.1"}), HostError);
  EXPECT_THROW(TCPPortOwner({"192.0.2.1"}), HostError);
  EXPECT_THROW(getNextAvailableTCPPort({"127.0.0.1"}, AddressFamily::IPv6), HostError);
  EXPECT_THROW(TCPPortOwner({"127.0.0.1"}, AddressFamily::IPv6), HostError);
}

TEST(Originals, PortsOutsideTheNumberRangeAreRefused) {
  for (const char* text : {"0", "70000"}) {
    const ScopedEnvironment variable("PYSYS_PORTS", text);
    EXPECT_THROW(getServerTCPPorts(), PortSpecificationError) << text;
  }
}

TEST(Originals, ABusyCandidateCostsOneProbeAndOnlyOnce) {
  PortPool pool(freshPorts(200), impatient());
  const auto order = portsInTurn(pool);
  ASSERT_EQ(order.size(), 200U);
  std::vector<platform::Socket> listeners;
  for (std::size_t i = 0; i < 198; ++i) listeners.push_back(listenOn(order[i]));
  const auto probesOfOneAllocation = [&](std::vector<TCPPortOwner>& owners) {
    const BindLog log;
    owners.push_back(pool.allocate());
    const auto calls = log.calls();
    return std::count_if(calls.begin(), calls.end(),
                         [](const auto& call) { return call.rfind("probe", 0) == 0; });
  };
  std::vector<TCPPortOwner> owners;
  EXPECT_EQ(probesOfOneAllocation(owners), 199);
  EXPECT_EQ(probesOfOneAllocation(owners), 1);
}

TEST(Originals, APortIsLeasedBeforeItIsProbed) {
  if (!areLeasesBound()) GTEST_SKIP() << "a lease is not seen to be taken";
  PortPool pool(freshPorts(2), impatient());
  const BindLog log;
  const auto port = std::to_string(pool.allocate().port());
  EXPECT_THAT(log.calls(), ElementsAre("lease " + port, "probe " + port));
}

TEST(Originals, APortThatAnotherLeasesIsNeverProbed) {
  PortPool pool(freshPorts(3), impatient());
  const auto order = portsInTurn(pool);
  const auto lease = platform::makeLeaseRegistry()->tryAcquire(order[0]);
  ASSERT_TRUE(lease);
  leaveTimeWait(order[0]);  // nor as a last resort
  const BindLog log;
  EXPECT_THAT(portsInTurn(pool), ElementsAre(order[1], order[2]));
  EXPECT_THAT(log.calls(), Contains("probe " + std::to_string(order[1])));
  EXPECT_THAT(log.calls(), Not(Contains("probe " + std::to_string(order[0]))));
}

}  // namespace
}  // namespace portpool::test
