// The faults of PySys and CPython that portpool does not keep, as DESIGN.md lists them.

#include <gmock/gmock.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include <portpool/portpool.hpp>

#include "bind_log.hpp"
#include "fork.hpp"
#include "platform/lease.hpp"
#include "platform/linux/abstract_names.hpp"
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
  EXPECT_THROW(PortScope().getNextAvailableTCPPort({"192.0.2.1"}), HostError);
  EXPECT_THROW(getNextAvailableTCPPort({"127.0.0.1"}, AddressFamily::IPv6), HostError);
  EXPECT_THROW(TCPPortOwner({"127.0.0.1"}, AddressFamily::IPv6), HostError);
}

/// In a forked child: from now on the kernel ends this process when it sleeps.
void forbidSleep() {
  std::vector<sock_filter> filter{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
  for (const int call : {
           SYS_nanosleep,
           SYS_clock_nanosleep,
           SYS_ppoll,
           SYS_pselect6,
#ifdef SYS_poll
           SYS_poll,
           SYS_select,
#endif
       }) {
    filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(call), 0, 1));
    filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
  }
  // A futex, which a condition variable is, may be woken but not waited for.
  filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_futex, 0, 5));
  filter.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[1])));
  filter.push_back(BPF_STMT(BPF_ALU | BPF_AND | BPF_K, static_cast<unsigned>(FUTEX_CMD_MASK)));
  filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FUTEX_WAIT, 1, 0));
  filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FUTEX_WAIT_BITSET, 0, 1));
  filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
  filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    throw Refused("the kernel refuses a system call filter");
  }
}

TEST(Originals, BusyCandidatesCostNoSleep) {
  checkInChild([] {
    PortPool pool(freshPorts(200), impatient());
    const auto order = portsOf(allocateAll(pool));
    ASSERT_EQ(order.size(), 200U);
    std::vector<platform::Socket> listeners;
    for (std::size_t i = 0; i < 199; ++i) listeners.push_back(listenOn(order[i]));
    forbidSleep();
    EXPECT_EQ(pool.allocate().port(), order[199]);
  });
}

TEST(Originals, TheCheckForSleepSeesOne) {
  PortPool pool(freshPorts(1));
  const auto owner = pool.allocate();
  ForkedChild waiter([&] {
    forbidSleep();
    pool.allocate();
  });
  EXPECT_FALSE(waiter.succeeds());
}

TEST(Originals, PortsOutsideTheNumberRangeAreRefused) {
  for (const char* text : {"0", "70000"}) {
    const ScopedEnvironment variable("PYSYS_PORTS", text);
    EXPECT_THROW(getServerTCPPorts(), PortSpecificationError) << text;
  }
}

TEST(Originals, ABusyCandidateCostsOneProbeAndOnlyOnce) {
  PortPool pool(freshPorts(200), impatient());
  const auto order = portsOf(allocateAll(pool));
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
  if (!platform::makeAbstractNameRegistry()) GTEST_SKIP() << "the system refuses abstract names";
  PortPool pool(freshPorts(2), impatient());
  const BindLog log;
  const auto port = std::to_string(pool.allocate().port());
  EXPECT_THAT(log.calls(), ElementsAre("lease " + port, "probe " + port));
}

TEST(Originals, APortThatAnotherLeasesIsNeverProbed) {
  PortPool pool(freshPorts(3), impatient());
  const auto order = portsOf(allocateAll(pool));
  const auto lease = platform::makeLeaseRegistry()->tryAcquire(order[0]);
  ASSERT_TRUE(lease);
  leaveTimeWait(order[0]);  // nor as a last resort
  const BindLog log;
  EXPECT_THAT(portsOf(allocateAll(pool)), ElementsAre(order[1], order[2]));
  EXPECT_THAT(log.calls(), Contains("probe " + std::to_string(order[1])));
  EXPECT_THAT(log.calls(), Not(Contains("probe " + std::to_string(order[0]))));
}

}  // namespace
}  // namespace portpool::test
