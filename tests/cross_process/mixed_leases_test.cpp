// Processes with leases by abstract names beside processes whom the system refuses them.

#include <gtest/gtest.h>
#include <linux/sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <sched.h>
#include <cerrno>
#include <chrono>
#include <stdexcept>
#include <string>

#include <portpool/portpool.hpp>

#include "fork.hpp"
#include "platform/lock_file/lock_file.hpp"
#include "unit/surroundings.hpp"

namespace portpool::test {
namespace {

bool canAllocate(std::uint16_t port, const PortRequest& request = {}) {
  try {
    PortPool(PortSet{{port, port}}, impatient()).allocate(request);
    return true;
  } catch (const NoPortAvailableError&) {
    return false;
  }
}

/// Puts an empty folder in the place of another. Only for a forked child.
void mountInChild(const char* folder) {
  if (::unshare(CLONE_NEWNS) != 0 ||
      ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("none", folder, "tmpfs", 0, nullptr) != 0) {
    throw Refused(std::string("the kernel refuses another ") + folder);
  }
}

std::uint16_t freePort() { return PortPool(getServerTCPPorts()).allocate().port(); }

TEST(MixedLeases, AProcessWithALockFileDoesNotGetAPortLeasedByName) {
  const auto owner = PortPool(getServerTCPPorts()).allocate();
  EXPECT_TRUE(ForkedChild([&] {
                refuseAbstractNames();
                require(!canAllocate(owner.port()), "the port is leased");
                require(canAllocate(freePort()), "another port is free");
              }).succeeds());
}

TEST(MixedLeases, AProcessWithNamesDoesNotGetAPortOfAnotherAddressLeasedByLockFile) {
  const auto port = freePort();
  Signal isLeased;
  const ForkedChild other([&] {
    refuseAbstractNames();
    const auto owner = PortPool(PortSet{{port, port}}, impatient()).allocate({{"127.0.0.1"}});
    isLeased.send();
    sleepUntilKilled();
  });
  isLeased.await();
  EXPECT_FALSE(canAllocate(port, {{"127.0.0.2"}}));
}

TEST(MixedLeases, AProcessWithNamesDoesNotGetAPortLeasedByLockFile) {
  const auto port = freePort();
  Signal isLeased, mayReturn, isReturned;
  ForkedChild other([&] {
    refuseAbstractNames();
    PortPool pool(PortSet{{port, port}}, impatient());
    auto owner = pool.allocate();
    require(bindAnew("127.0.0.1", port, Reuse::Yes) == 0, "its server cannot bind");
    isLeased.send();
    mayReturn.await();
    owner.cleanup();
    isReturned.send();
    sleepUntilKilled();
  });
  isLeased.await();
  EXPECT_FALSE(canAllocate(port));
  PortRequest request;
  request.hosts = {"127.0.0.1"};
  EXPECT_FALSE(canAllocate(port, request));
  request.hold = Hold::Shared;
  EXPECT_FALSE(canAllocate(port, request));
  mayReturn.send();
  isReturned.await();
  EXPECT_TRUE(canAllocate(port));
}

/// Fails if a process with names gets a port that another process has leased by lock file.
void expectRefusedByLockFile(std::uint16_t port, const PortRequest& request) {
  Signal isLeased;
  const ForkedChild other([&] {
    refuseAbstractNames();
    PortPool pool(PortSet{{port, port}}, impatient());
    const auto owner = pool.allocate(request);
    isLeased.send();
    sleepUntilKilled();
  });
  isLeased.await();
  EXPECT_FALSE(canAllocate(port, request));
  // Where the system shows only /proc/net/tcp, which lacks sockets that are bound only.
  EXPECT_TRUE(ForkedChild([&] {
                failCall(SYS_socket, 0, AF_NETLINK, EPERM);
                require(!canAllocate(port, request), "leased by lock file");
              }).succeeds());
}

TEST(MixedLeases, AProcessWithNamesDoesNotGetAPortInTimeWaitLeasedByLockFile) {
  for (const auto transport : {Transport::TCP, Transport::Both}) {
    const auto port = freePort();
    leaveTimeWait(port);
    PortRequest request;
    request.transport = transport;
    expectRefusedByLockFile(port, request);
  }
}

TEST(MixedLeases, AProcessWithNamesDoesNotGetAUDPPortLeasedByLockFile) {
  PortRequest request;
  request.transport = Transport::UDP;
  expectRefusedByLockFile(freePort(), request);
}

TEST(MixedLeases, AProcessWithALockFileDoesNotGetAUDPPortLeasedByName) {
  PortRequest request;
  request.transport = Transport::UDP;
  const auto owner = PortPool(getServerTCPPorts()).allocate(request);
  EXPECT_TRUE(ForkedChild([&] {
                refuseAbstractNames();
                require(!canAllocate(owner.port(), request), "leased by name");
              }).succeeds());
}

TEST(MixedLeases, AProcessWithALockFileSaysSoOnce) {
  EXPECT_TRUE(ForkedChild([] {
                refuseAbstractNames();
                const StderrReader stderrReader;
                freePort();
                freePort();
                const auto words = stderrReader.rest();
                const std::string kWarning = "portpool: warning: the system refuses this process";
                require(words.compare(0, kWarning.size(), kWarning) == 0, words.c_str());
                require(words.find(kWarning, 1) == std::string::npos, "said twice");
                require(words.find("SO_REUSEADDR") != std::string::npos, words.c_str());
              }).succeeds());
}

// Only a refusal may lead to the lock file: others would be on abstract names still.
TEST(MixedLeases, ATransientErrorIsAnError) {
  for (const int error : {ENOBUFS, ENOMEM, EMFILE, EPROTONOSUPPORT}) {
    EXPECT_TRUE(ForkedChild([&] {
                  failCall(SYS_socket, 0, AF_UNIX, error);
                  try {
                    freePort();
                    throw std::logic_error("a lease in spite of the error");
                  } catch (const PortPoolError&) {
                  }
                }).succeeds());
  }
}

// ---- The lock file ------------------------------------------------------------------------------

class LockFileOfTwo : public ::testing::Test {
 protected:
  const ScopedFolder folder_;
  const std::string path_ = folder_.path("lock");
};

TEST_F(LockFileOfTwo, ThatIsRemovedIsMadeAnew) {
  const auto one = platform::makeLockFileRegistry(path_);
  auto old = one->tryAcquire(20000);
  ASSERT_EQ(::unlink(path_.c_str()), 0);
  const auto lease = one->tryAcquire(20001);
  ASSERT_TRUE(lease);
  EXPECT_TRUE(ForkedChild([&] {
                const auto other = platform::makeLockFileRegistry(path_);
                require(!other->tryAcquire(20001), "leased after the file was removed");
                require(!other->tryAcquire(20000), "leased before, and once more since");
                require(!!other->tryAcquire(20002), "free");
              }).succeeds());
  old.reset();
  EXPECT_TRUE(ForkedChild([&] {
                require(!!platform::makeLockFileRegistry(path_)->tryAcquire(20000), "returned");
              }).succeeds());
}

// In a /tmp of its own, since the machine's lock file has the leases of other tests.
TEST_F(LockFileOfTwo, ThatIsRemovedWhileAPortIsLeasedGivesItToNobodyElse) {
  checkInChild([&] {
    mountInChild("/tmp");
    refuseAbstractNames();
    const TCPPortOwner owner;
    ASSERT_EQ(::unlink("/tmp/portpool.lock"), 0);
    EXPECT_TRUE(
        ForkedChild([&] { require(!canAllocate(owner.port()), "handed out twice"); }).succeeds());
  });
}

TEST_F(LockFileOfTwo, IsOneForProcessesWithAndWithoutProc) {
  const auto registry = platform::makeLockFileRegistry(path_);
  const auto lease = registry->tryAcquire(20000);
  checkInChild([&] {
    mountInChild("/proc");
    EXPECT_FALSE(platform::makeLockFileRegistry(path_)->tryAcquire(20000));
    EXPECT_TRUE(platform::makeLockFileRegistry(path_)->tryAcquire(20001));
  });
}

}  // namespace
}  // namespace portpool::test
