// The two kinds of leases of POSIX systems, and which one a process has.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>

#include <portpool/portpool.hpp>

#include "fork.hpp"
#include "platform/lease.hpp"
#include "surroundings.hpp"

namespace portpool::test {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(LeaseRegistry, IsByAbstractNamesWhereTheyAreAllowed) {
  const auto names = makeNamedRegistry();
  if (!names) GTEST_SKIP() << "the system refuses abstract names";
  const auto port = freshPort();
  const auto lease = platform::makeLeaseRegistry()->tryAcquire(port);
  EXPECT_TRUE(lease);
  EXPECT_FALSE(names->tryAcquire(port));
}

TEST(LeaseRegistry, IsTheLockFileOfTheMachineWhereAbstractNamesAreRefused) {
  const auto ports = freshPorts(20);
  const Shared<std::atomic<std::uint16_t>> leased;
  Signal isLeased;
  ForkedChild holder([&] {
    refuseAbstractNames();
    if (makeNamedRegistry()) throw std::runtime_error("not refused");
    const auto registry = platform::makeLeaseRegistry();
    // The file is there for all networks: another program's lease may be in the way.
    std::unique_ptr<platform::Lease> lease;
    for (auto port = ports.begin(); !lease; ++port) {
      if (port == ports.end()) throw std::runtime_error("no lease");
      lease = registry->tryAcquire(*port);
      *leased = *port;
    }
    isLeased.send();
    sleepUntilKilled();
  });
  isLeased.await();
  checkInChild([&] {
    refuseAbstractNames();
    EXPECT_FALSE(platform::makeLeaseRegistry()->tryAcquire(*leased));
    PortPool pool(PortSet{{*leased, *leased}}, impatient());
    EXPECT_TRUE(allocateAll(pool).empty());
  });
}

class PortPoolWith : public ::testing::TestWithParam<bool> {};

INSTANTIATE_TEST_SUITE_P(Leases, PortPoolWith, ::testing::Bool(), [](const auto& leases) {
  return leases.param ? "ByLockFile" : "ByAbstractNames";
});

TEST_P(PortPoolWith, LeavesTheStandardDescriptorsToTheProgram) {
  checkInChild([] {
    if (GetParam()) refuseAbstractNames();
    ::close(STDIN_FILENO);
    const auto owner = PortPool(getServerTCPPorts()).allocate();
    EXPECT_EQ(::fcntl(STDIN_FILENO, F_GETFD), -1);
  });
}

TEST(NamedPort, IsOneByLockFileToo) {
  checkInFreshProcess([] {
    refuseAbstractNames();
    const PortScope scope;
    const auto port = getNamedTCPPort("server");
    EXPECT_EQ(getNamedTCPPort("server"), port);
  });
}

TEST(Waiting, NamesTheHolderOfALeaseByLockFile) {
  checkInChild([] {
    const auto ports = freshPorts(1);
    refuseAbstractNames();
    PortPool pool(ports, impatient());
    const auto owner = pool.allocate();
    EXPECT_THAT([&] { pool.allocate(); }, ThrowsMessage<NoPortAvailableError>(HasSubstr(
                                              pool.ports().toString() + " by this process, pid " +
                                              std::to_string(::getpid()))));
  });
}

}  // namespace
}  // namespace portpool::test
