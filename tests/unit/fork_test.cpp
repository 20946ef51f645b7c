// What forked children and their parents have of each other's.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <fstream>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <portpool/adapter.hpp>
#include <portpool/portpool.hpp>

#include "fork.hpp"
#include "lease_registry.hpp"
#include "platform/lease.hpp"
#include "surroundings.hpp"
#include "waiting_line.hpp"

namespace portpool::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;

using namespace std::chrono_literals;

// Far beyond the time limit of a test: what should end by itself does not end by this.
// ---- Leases -------------------------------------------------------------------------------------

TEST_P(Registry, ExcludesAForkedChildFromItsParentsLeases) {
  const auto registry = make();
  const auto lease = registry->tryAcquire(key);
  checkInChild([&] {
    EXPECT_FALSE(registry->tryAcquire(key)) << "through the registry that the child inherits";
    EXPECT_FALSE(make()->tryAcquire(key));
  });
}

TEST_P(Registry, ExcludesTheParentFromItsChildsLeases) {
  const auto registry = make();
  Signal isLeased;
  ForkedChild child([&] {
    const auto inherited = registry->tryAcquire(key);
    const auto own = make()->tryAcquire(key + 1);
    if (!inherited || !own) throw std::runtime_error("no lease");
    isLeased.send();
    sleepUntilKilled();
  });
  isLeased.await();
  EXPECT_FALSE(registry->tryAcquire(key));
  EXPECT_FALSE(registry->tryAcquire(key + 1));
  child.kill();
  EXPECT_TRUE(registry->tryAcquire(key));
  EXPECT_TRUE(registry->tryAcquire(key + 1));
}

TEST_P(Registry, AChildThatEndsItsCopyLeavesTheParentsLease) {
  const auto registry = make();
  auto lease = registry->tryAcquire(key);
  checkInChild([&] {
    lease.reset();
    EXPECT_FALSE(registry->tryAcquire(key));
  });
  EXPECT_FALSE(make()->tryAcquire(key));
}

TEST_P(Registry, AParentEndsItsLeaseThoughAChildHasEndedItsCopy) {
  const auto registry = make();
  auto lease = registry->tryAcquire(key);
  Signal isEnded, mayExit;
  ForkedChild child([&] {
    lease.reset();
    isEnded.send();
    mayExit.await();
  });
  isEnded.await();
  lease.reset();
  EXPECT_TRUE(registry->tryAcquire(key));
  mayExit.send();
  EXPECT_TRUE(child.succeeds());
}

TEST_P(Registry, IsNotInheritedByAnotherProgram) {
  const auto inherited = [] {
    std::vector<int> descriptors;
    for (int descriptor = 0; descriptor < 1024; ++descriptor) {
      if (::fcntl(descriptor, F_GETFD) == 0) descriptors.push_back(descriptor);
    }
    return descriptors;
  };
  const auto before = inherited();
  const auto registry = make();
  const auto lease = registry->tryAcquire(key);
  EXPECT_EQ(inherited(), before);
}

TEST_P(Registry, LeavesTheStandardDescriptorsToTheProgram) {
  checkInChild([&] {
    ::close(STDIN_FILENO);
    const auto lease = make()->tryAcquire(key);
    EXPECT_TRUE(lease);
    EXPECT_EQ(::fcntl(STDIN_FILENO, F_GETFD), -1);
  });
}

TEST(PortPool, LeavesTheStandardDescriptorsToTheProgram) {
  checkInChild([] {
    ::close(STDIN_FILENO);
    const auto owner = PortPool(getServerTCPPorts()).allocate();
    EXPECT_EQ(::fcntl(STDIN_FILENO, F_GETFD), -1);
  });
}

TEST_P(Registry, ExcludesOtherUsers) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become another user";
  ::chmod(folder.path("").c_str(), 01777);
  const auto registry = make();
  const auto lease = registry->tryAcquire(key);
  Signal isLeased;
  ForkedChild child([&] {
    becomeUser(1);
    const auto its = make();
    if (its->tryAcquire(key)) throw std::runtime_error("another user's lease");
    const auto own = its->tryAcquire(key + 1);
    if (!own) throw std::runtime_error("no lease");
    isLeased.send();
    sleepUntilKilled();
  });
  isLeased.await();
  EXPECT_FALSE(registry->tryAcquire(key + 1));
  EXPECT_TRUE(registry->tryAcquire(key + 2));
}

TEST(WaitingLine, IsOneForAllProcesses) {
  const auto ports = freshPorts(2);
  const auto registry = platform::makeLeaseRegistry();
  const WaitingLine line(*registry, ports);
  PlaceInLine place(line);
  ASSERT_TRUE(place.advance());
  checkInChild([&] {
    const auto its = platform::makeLeaseRegistry();
    const WaitingLine sameLine(*its, ports);
    EXPECT_TRUE(sameLine.isAnyoneWaiting());
    EXPECT_FALSE(PlaceInLine(sameLine).advance());
  });
}

TEST(NamedPort, InAForkedChildIsItsParents) {
  const PortScope scope;
  const auto port = getNamedTCPPort("server");
  checkInChild([&] {
    EXPECT_EQ(getNamedTCPPort("server"), port);
    EXPECT_NE(getNamedTCPPort("child's"), port);
  });
}

TEST(NamedPort, CanBeAskedForInAChildForkedWhileAnotherThreadAsks) {
  EXPECT_TRUE(succeedsInChild([] {
    std::atomic<bool> isOver{false};
    std::thread thread([&] {
      while (!isOver) {
        const PortScope scope;
        getNamedTCPPort("server");
      }
    });
    for (int i = 0; i < 200; ++i) {
      ForkedChild child([] {
        ::alarm(20);  // a child that waits for a lock waits for ever
        for (const auto* name : {"child's", "server"}) {
          require(getNamedTCPPort(name) != 0, "no port");
        }
      });
      require(child.succeeds(), "a child hangs or fails");
    }
    isOver = true;
    thread.join();
  }));
}

TEST(Waiting, LongerThanASecondSaysWhoHoldsWhat) {
  const auto ports = freshPorts(3);
  const auto mine = *ports.begin(), leased = *++ports.begin(), listened = *++ ++ports.begin();
  std::ifstream file("/proc/self/cmdline");
  std::string command;
  std::getline(file, command, '\0');

  Signal isLeased, isListening;
  ForkedChild leaser([&] {
    const auto lease = platform::makeLeaseRegistry()->tryAcquire(leased);
    if (!lease) throw std::runtime_error("leased");
    isLeased.send();
    sleepUntilKilled();
  });
  isLeased.await();
  ForkedChild server([&] {
    const auto listener = listenOn(listened);
    isListening.send();
    sleepUntilKilled();
  });
  isListening.await();

  PortPoolOptions options;
  options.waitTime = std::chrono::minutes(2);
  PortPool pool(ports, options);
  auto owner = pool.allocate();
  ASSERT_EQ(owner.port(), mine);
  StderrReader stderrReader;
  std::thread waiter([&] { pool.allocate(); });
  const auto report = stderrReader.line();
  owner.cleanup();
  waiter.join();

  const auto holder = [&](pid_t pid) {
    return " by pid " + std::to_string(pid) + " (" + command.substr(0, 80);
  };
  EXPECT_THAT(
      report,
      StartsWith("portpool: waiting for a TCP port, up to 120 s; taken ports of the pool ("));
  EXPECT_THAT(report, HasSubstr(std::to_string(mine) + " by " + thisProcess()));
  EXPECT_THAT(report, HasSubstr(std::to_string(leased) + holder(leaser.pid())));
  EXPECT_THAT(report, HasSubstr(std::to_string(listened) + holder(server.pid())));
}

// ---- A server's process ------------------------------------------------------------------------

TEST(WaitUntilListeningFor, AChildReturnsWhenItListens) {
  const auto port = freshPort();
  ForkedChild server([&] {
    const auto listener = listenOn(port);
    sleepUntilKilled();
  });
  EXPECT_NO_THROW(waitUntilListening(port, kHost, kForEver, server.pid()));
}

TEST(WaitUntilListeningFor, AChildThatExitsEndsAndLeavesItToBeReaped) {
  const auto port = freshPort();
  const pid_t child = ::fork();
  if (child == 0) ::_exit(7);
  EXPECT_THAT([&] { waitUntilListening(port, kHost, kForEver, child); },
              ThrowsMessage<NotListeningError>(
                  AllOf(HasSubstr("port " + std::to_string(port)),
                        HasSubstr("the server, pid " + std::to_string(child) + ", has exited"))));
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 7);
  EXPECT_THROW(waitUntilListening(port, kHost, kForEver, child), NotListeningError) << "reaped";
}

TEST(WaitUntilListeningFor, AChildThatExitsEndsThoughAConnectionIsNeitherAcceptedNorRefused) {
  const auto port = freshPort();
  const auto full = occupy(port, kHost);
  ASSERT_EQ(::listen(full.get(), 0), 0);
  std::vector<platform::Socket> connections;
  do {
    const auto soon = std::chrono::steady_clock::now() + std::chrono::milliseconds(1);
    connections.push_back(platform::connect(platform::boundAddress(full.get()), soon));
  } while (connections.back());
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  EXPECT_THAT([&] { waitUntilListening(port, kHost, kForEver, child); },
              ThrowsMessage<NotListeningError>(HasSubstr("has exited")));
  ::waitpid(child, nullptr, 0);
}

TEST(WaitUntilListeningFor, AChildThatIsKilledEnds) {
  const auto port = freshPort();
  const pid_t child = ::fork();
  if (child == 0) sleepUntilKilled();
  auto waiter =
      std::async(std::launch::async, [&] { waitUntilListening(port, kHost, kForEver, child); });
  EXPECT_EQ(waiter.wait_for(30ms), std::future_status::timeout);
  ::kill(child, SIGKILL);
  EXPECT_THROW(waiter.get(), NotListeningError);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
}

TEST(WaitUntilListeningFor, AProcessThatIsNoChildEndsWhenItIsGone) {
  const auto port = freshPort();
  const Shared<pid_t> grandchild;
  Signal isRunning;
  ForkedChild parent([&] {
    ForkedChild child(sleepUntilKilled);
    *grandchild = child.pid();
    isRunning.send();
    waitUntilListening(port, kHost, kForEver);  // told by its grandparent to go on
    child.kill();
    sleepUntilKilled();
  });
  isRunning.await();
  auto waiter = std::async(std::launch::async,
                           [&] { waitUntilListening(port, "127.0.0.2", kForEver, *grandchild); });
  EXPECT_EQ(waiter.wait_for(30ms), std::future_status::timeout);
  const auto goOn = listenOn(port, "127.0.0.1");
  EXPECT_THROW(waiter.get(), NotListeningError);
}

// A server that forks into the background is reached though the process that was started is gone.
TEST(WaitUntilListeningFor, AServerThatListensDoesNotMindADeadChild) {
  const auto port = freshPort();
  const auto server = listenOn(port);
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
  EXPECT_NO_THROW(waitUntilListening(port, kHost, kForEver, child));
  ::waitpid(child, nullptr, 0);
}

}  // namespace
}  // namespace portpool::test
