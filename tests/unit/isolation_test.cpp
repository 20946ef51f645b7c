// A process with a network of its own.

#include <portpool/isolation.hpp>

#include <gmock/gmock.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>

#include <portpool/portpool.hpp>

#include "fork.hpp"
#include "platform/lease.hpp"
#include "sanitizers.hpp"
#include "surroundings.hpp"

namespace portpool::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;

constexpr const char* kVariable = "PORTPOOL_ISOLATE";
constexpr std::uint16_t kHardCoded = 8080;

/// Throws Refused, for checkInChild, unless the system lets a process like this one isolate itself.
void needIsolation() {
  const bool isAllowed = ForkedChild([] {
                           if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
                             throw std::runtime_error("unshare is refused");
                           }
                         }).succeeds();
  if (!isAllowed) throw Refused("the system refuses namespaces");
}

void checkIsolated(const std::function<void()>& check) {
  checkInChild([&] {
    needIsolation();
    check();
  });
}

bool isIsolatedFrom(std::uint16_t occupied) { return bindAnew("0.0.0.0", occupied) == 0; }

TEST(Isolate, GivesALoopbackInterfaceOfItsOwn) {
  checkIsolated([] {
    isolate();
    const auto v4 = listenOn(kHardCoded, "127.0.0.1");
    EXPECT_EQ(connectTo("127.0.0.1", kHardCoded), 0);
    if (!hasIPv6()) return;
    const auto v6 = listenOn(kHardCoded, "::1");
    EXPECT_EQ(connectTo("::1", kHardCoded), 0);
  });
}

TEST(Isolate, KeepsTheUser) {
  checkIsolated([] {
    const auto user = ::geteuid();
    const auto group = ::getegid();
    isolate();
    EXPECT_EQ(::geteuid(), user);
    EXPECT_EQ(::getegid(), group);
  });
}

TEST(Isolate, IsForOrdinaryUsers) {
  checkInChild([] {
    becomeUser(1);
    ::prctl(PR_SET_DUMPABLE, 1);  // else /proc/self stays root's until the next exec
    needIsolation();
    const auto user = ::geteuid();
    isolate();
    EXPECT_EQ(::geteuid(), user);
    const auto server = listenOn(kHardCoded);
    EXPECT_EQ(connectTo("127.0.0.1", kHardCoded), 0);
  });
}

TEST(Isolate, LeavesThePortsOfTheOthersOutside) {
  const auto port = freshPort();
  const auto listener = listenOn(port);
  checkIsolated([&] {
    EXPECT_EQ(connectTo("127.0.0.1", port), 0);
    isolate();
    EXPECT_EQ(connectTo("127.0.0.1", port), ECONNREFUSED);
    EXPECT_TRUE(isIsolatedFrom(port));
    PortPool pool(PortSet{{port, port}}, impatient());
    EXPECT_EQ(pool.allocate().port(), port);
  });
}

TEST(Isolate, LeavesTheLeasesOfTheOthersOutside) {
  PortPool pool(freshPorts(1), impatient());
  const auto owner = pool.allocate();
  checkIsolated([&] {
    const auto registry = platform::makeLeaseRegistry();
    EXPECT_TRUE(registry->isLeased(owner.port()));
    PortPool before(pool.ports(), impatient());
    EXPECT_THROW(before.allocate(), NoPortAvailableError);
    isolate();
    EXPECT_FALSE(registry->isLeased(owner.port()));
    PortPool after(pool.ports(), impatient());
    EXPECT_EQ(after.allocate().port(), owner.port());
  });
}

TEST(Isolate, IsDoneThoughASignalInterruptsIt) {
  checkIsolated([] {
    ::pthread_atfork(nullptr, nullptr, [] {  // the child that tries it first takes its time
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    });
    struct sigaction action {};  // without SA_RESTART
    action.sa_handler = [](int /*signal*/) {};
    ::sigaction(SIGALRM, &action, nullptr);
    itimerval timer{};
    timer.it_value.tv_usec = 30'000;
    ::setitimer(ITIMER_REAL, &timer, nullptr);
    isolate();
  });
}

TEST(Isolate, RemovesItsVariableFromTheEnvironmentOfChildren) {
  checkIsolated([] {
    ::setenv(kVariable, "1", 1);
    isolate();
    EXPECT_EQ(std::getenv(kVariable), nullptr);
  });
}

TEST(Isolate, IsRefusedWhileAnyPoolHasItsPorts) {
  checkInChild([] {
    PortPool pool(getServerTCPPorts());
    const auto owner = pool.allocate();
    EXPECT_THAT([] { isolate(); }, ThrowsMessage<IsolationError>(HasSubstr("it has taken ports")));
  });
}

TEST(Isolate, LetsTwoProcessesListenOnOnePort) {
  checkIsolated([] {
    Signal isListening;
    ForkedChild other([&] {
      isolate();
      const auto server = listenOn(kHardCoded);
      isListening.send();
      sleepUntilKilled();
    });
    isListening.await();
    isolate();
    EXPECT_EQ(connectTo("127.0.0.1", kHardCoded), ECONNREFUSED);
    const auto server = listenOn(kHardCoded);
    EXPECT_EQ(connectTo("127.0.0.1", kHardCoded), 0);
  });
}

TEST(Isolate, TakesTheChildrenAlong) {
  checkIsolated([] {
    isolate();
    const auto server = listenOn(kHardCoded);
    EXPECT_TRUE(ForkedChild([] {
                  if (connectTo("127.0.0.1", kHardCoded) != 0) throw std::runtime_error("connect");
                }).succeeds());
  });
}

TEST(Isolate, CanBeDoneWithinAnIsolatedProcess) {
  checkIsolated([] {
    isolate();
    const auto server = listenOn(kHardCoded);
    isolate();
    EXPECT_EQ(connectTo("127.0.0.1", kHardCoded), ECONNREFUSED);
  });
}

TEST(Isolate, IsRefusedAfterTheFirstThreadStarted) {
  checkInChild([] {
    std::promise<void> isOver;
    std::thread thread([&] { isOver.get_future().wait(); });
    EXPECT_THAT([] { isolate(); }, ThrowsMessage<IsolationError>(
                                       AllOf(HasSubstr("cannot isolate this process: unshare: "),
                                             HasSubstr("isolate before the first thread starts"))));
    isOver.set_value();
    thread.join();
  });
}

TEST(Isolate, SaysWhatToDoWhereTheSystemRefuses) {
  checkInChild([] {
    refuseNamespaces();
    EXPECT_THAT(
        [] { isolate(); },
        ThrowsMessage<IsolationError>(AllOf(
            HasSubstr("unshare: Operation not permitted"), HasSubstr("user.max_user_namespaces"),
            HasSubstr("kernel.apparmor_restrict_unprivileged_userns"), HasSubstr("seccomp"))));
  });
}

TEST(Isolate, SaysWhatToDoWithoutDescriptors) {
  if (kHasAddressSanitizer) GTEST_SKIP() << "the sanitizer needs descriptors";
  checkInChild([] {
    std::string message;
    allowSockets(3);
    try {
      isolate();
    } catch (const IsolationError& error) {
      message = error.what();
    }
    allowSockets(64);
    EXPECT_THAT(message, HasSubstr("allow more file descriptors (ulimit -n)"));
  });
}

// ---- By the environment -------------------------------------------------------------------------

TEST(IsolateIfRequested, DoesNothingUnlessAsked) {
  const auto port = freshPort();
  const auto listener = listenOn(port);
  for (const char* value : {static_cast<const char*>(nullptr), "0"}) {
    checkInChild([&] {
      refuseNamespaces();  // nor does it try
      value == nullptr ? ::unsetenv(kVariable) : ::setenv(kVariable, value, 1);
      StderrReader stderrReader;
      EXPECT_TRUE(isolateIfRequested());
      EXPECT_EQ(stderrReader.rest(), "");
      EXPECT_EQ(connectTo("127.0.0.1", port), 0);
    });
  }
}

TEST(IsolateIfRequested, IsolatesAndDoesNotTellTheChildrenTo) {
  const auto port = freshPort();
  const auto listener = listenOn(port);
  for (const char* value : {"1", "try"}) {
    checkIsolated([&] {
      ::setenv(kVariable, value, 1);
      StderrReader stderrReader;
      EXPECT_TRUE(isolateIfRequested());
      EXPECT_EQ(stderrReader.rest(), "");
      EXPECT_TRUE(isIsolatedFrom(port));
      EXPECT_EQ(std::getenv(kVariable), nullptr);
      // Nor is it done twice.
      const auto server = listenOn(kHardCoded);
      EXPECT_TRUE(isolateIfRequested());
      EXPECT_EQ(connectTo("127.0.0.1", kHardCoded), 0);
    });
  }
}

TEST(IsolateIfRequested, StopsTheRunWhereTheSystemRefuses) {
  checkInChild([] {
    refuseNamespaces();
    ::setenv(kVariable, "1", 1);
    StderrReader stderrReader;
    EXPECT_FALSE(isolateIfRequested());
    EXPECT_THAT(stderrReader.rest(),
                AllOf(StartsWith("portpool: cannot isolate this process: unshare: "),
                      HasSubstr("Operation not permitted"), HasSubstr("PORTPOOL_ISOLATE=try")));
  });
}

TEST(IsolateIfRequested, WarnsAndGoesOnIfItIsOnlyToTry) {
  const auto port = freshPort();
  const auto listener = listenOn(port);
  checkInChild([&] {
    refuseNamespaces();
    ::setenv(kVariable, "try", 1);
    StderrReader stderrReader;
    EXPECT_TRUE(isolateIfRequested());
    EXPECT_THAT(stderrReader.rest(), StartsWith("portpool: warning: cannot isolate this process"));
    EXPECT_EQ(connectTo("127.0.0.1", port), 0);
  });
}

TEST(IsolateIfRequested, LeavesTheProcessWholeIfItIsOnlyToTryAndProcCannotBeWritten) {
  checkIsolated([] {
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("none", "/proc", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) != 0) {
      throw Refused("the kernel refuses a /proc that cannot be written");
    }
    const auto network = std::filesystem::read_symlink("/proc/self/ns/net");
    const auto user = ::geteuid();
    const ScopedEnvironment variable(kVariable, "try");
    const StderrReader stderrReader;
    EXPECT_TRUE(isolateIfRequested());
    EXPECT_THAT(stderrReader.rest(), StartsWith("portpool: warning: cannot isolate this process"));
    EXPECT_EQ(::geteuid(), user);
    EXPECT_EQ(std::filesystem::read_symlink("/proc/self/ns/net"), network);
  });
}

TEST(IsolateIfRequested, StopsTheRunForGarbage) {
  for (const char* garbage : {"", " ", "2", "yes", "TRY", "1 ", "-1"}) {
    checkInChild([&] {
      ::setenv(kVariable, garbage, 1);
      StderrReader stderrReader;
      EXPECT_FALSE(isolateIfRequested());
      EXPECT_THAT(stderrReader.rest(),
                  StartsWith("portpool: PORTPOOL_ISOLATE: \"" + std::string(garbage) +
                             "\" is not one of 0, 1, try; "));
    });
  }
}

}  // namespace
}  // namespace portpool::test
