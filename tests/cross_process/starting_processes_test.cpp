// Programs that start processes while their other threads have to do with ports.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <portpool/portpool.hpp>

#include "fork.hpp"
#include "unit/surroundings.hpp"

namespace portpool::test {
namespace {

void require(bool condition, const char* what) {
  if (!condition) throw std::runtime_error(what);
}

void reap(pid_t pid) {
  int status = 0;
  require(pid > 0 && ::waitpid(pid, &status, 0) == pid && status == 0, "a program was not started");
}

// The child process has the descriptors until it executes the program.
void forkAndExec() {
  const auto pid = ::fork();
  if (pid == 0) {
    ::execl("/bin/true", "true", nullptr);
    ::_exit(1);
  }
  reap(pid);
}

void vforkAndExec() {
  const auto pid = ::vfork();  // NOLINT(clang-analyzer-security.insecureAPI.vfork): what is tested
  if (pid == 0) {
    ::execl("/bin/true", "true", nullptr);
    ::_exit(1);
  }
  reap(pid);
}

void spawn() {
  char name[] = "true";
  char* const arguments[] = {name, nullptr};
  pid_t pid = -1;
  require(::posix_spawn(&pid, "/bin/true", nullptr, nullptr, arguments, environ) == 0, "spawn");
  reap(pid);
}

/// Starts programs in another thread as long as it lives.
class Starter {
 public:
  explicit Starter(void (*start)())
      : thread_([this, start] {
          while (!isOver_) start();
        }) {}
  Starter(const Starter&) = delete;
  Starter& operator=(const Starter&) = delete;
  ~Starter() {
    isOver_ = true;
    thread_.join();
  }

 private:
  std::atomic<bool> isOver_{false};
  std::thread thread_;
};

struct Way {
  const char* name;
  void (*start)();
};

/// Another process, in which other threads and a process's pool do no harm.
bool succeedsInChild(const std::function<void()>& function) {
  return ForkedChild(function).succeeds();
}

// ---- Probes -------------------------------------------------------------------------------------

class StartingBy : public ::testing::TestWithParam<Way> {};

INSTANTIATE_TEST_SUITE_P(Ways, StartingBy,
                         ::testing::Values(Way{"Fork", forkAndExec}, Way{"Vfork", vforkAndExec},
                                           Way{"Spawn", spawn}),
                         [](const auto& way) { return way.param.name; });

TEST_P(StartingBy, NoServerFindsItsPortTaken) {
  EXPECT_TRUE(succeedsInChild([] {
    PortPool pool(getServerTCPPorts());
    const Starter starter(GetParam().start);
    for (int i = 0; i < 20000; ++i) {
      const auto owner = pool.allocate();
      require(bindAnew("0.0.0.0", owner.port(), Reuse::Yes) == 0, "the port is taken");
    }
  }));
}

TEST_P(StartingBy, NoPortLeaks) {
  EXPECT_TRUE(succeedsInChild([] {
    ::setenv("PORTPOOL_LEAKS", "fail", 1);
    const Starter starter(GetParam().start);
    for (int i = 0; i < 3000; ++i) {
      PortScope scope("a test");
      const auto port = scope.getNextAvailableTCPPort();
      const auto held = scope.getRefusedTCPPort();
      const auto udp = scope.getNextAvailableUDPPort();
      require(port != 0 && held != 0 && udp != 0, "no port");
      const auto leaks = scope.end();
      if (!leaks.empty()) throw std::runtime_error(leaks.front());
    }
  }));
}

// fork() waits for the probe, so not even a server without SO_REUSEADDR, or one for UDP, meets it.
TEST(Starting, ByForkLeavesNoCopyOfAProbe) {
  for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
    EXPECT_TRUE(succeedsInChild([type] {
      PortPool pool(getServerTCPPorts());
      PortRequest request;
      request.transport = type == SOCK_STREAM ? Transport::TCP : Transport::UDP;
      const Starter starter(forkAndExec);
      for (int i = 0; i < 20000; ++i) {
        const auto owner = pool.allocate(request);
        require(bindAnew("0.0.0.0", owner.port(), Reuse::No, type) == 0, "the port is taken");
      }
    }));
  }
}

TEST(Starting, AProgramInheritsNoDescriptor) {
  EXPECT_TRUE(succeedsInChild([] {
    dieWithoutFlag(SYS_openat, 2, O_CLOEXEC);
    dieWithoutFlag(SYS_socket, 1, SOCK_CLOEXEC);
    ::setenv("PORTPOOL_LEAKS", "fail", 1);
    PortScope scope("a test");
    const auto port = scope.getNextAvailableTCPPort();
    require(!describePorts().empty(), "no ports");
    const auto listener = listenOn(port);
    require(scope.end().size() == 1, "no leak");
    PortPoolOptions options;
    options.waitTime = std::chrono::milliseconds(0);
    PortPool pool(PortSet{{port, port}}, options);
    try {
      pool.allocate();
      throw std::runtime_error("a port that is taken is handed out");
    } catch (const NoPortAvailableError&) {
    }
  }));
}

// ---- Forked children ----------------------------------------------------------------------------

class ForkedWith : public ::testing::TestWithParam<bool> {
 protected:
  static void run(const std::function<void()>& function) {
    EXPECT_TRUE(succeedsInChild([&] {
      if (GetParam()) refuseAbstractNames();
      function();
    }));
  }
};

INSTANTIATE_TEST_SUITE_P(Leases, ForkedWith, ::testing::Bool(), [](const auto& leases) {
  return leases.param ? "ByLockFile" : "ByAbstractNames";
});

TEST_P(ForkedWith, AChildCanGoOnWhateverTheThreadsOfItsParentAreAt) {
  run([] {
    PortPool pool(getServerTCPPorts());
    std::atomic<bool> isOver{false};
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([&] {
        while (!isOver) {
          pool.allocate();
          PortScope scope;
          scope.getNextAvailableTCPPort();
        }
      });
    }
    for (int i = 0; i < 300; ++i) {
      ForkedChild child([&] {
        ::alarm(20);  // a child that waits for a lock waits for ever
        const auto several = pool.allocateSeveral(3);
        getNextAvailableTCPPort();
        PortScope scope;
        scope.getNextAvailableTCPPort();
        PortPool(getServerTCPPorts()).allocate();
      });
      require(child.succeeds(), "a child hangs or fails");
    }
    isOver = true;
    for (auto& thread : threads) thread.join();
  });
}

TEST_P(ForkedWith, AChildDoesNotKeepWhatItsParentReturns) {
  run([] {
    PortSet ports;
    for (const auto& owner : PortPool(getServerTCPPorts()).allocateSeveral(2)) {
      ports.insert(owner.port());
    }
    PortPool pool(ports);
    auto owners = pool.allocateSeveral(2);
    Signal runs, returned;
    ForkedChild child([&] {
      runs.send();
      returned.await();
      // Not even the child, which has copies of the owners, waits for itself.
      require(pool.allocateSeveral(2).size() == 2, "no ports");
      sleepUntilKilled();
    });
    runs.await();
    owners.clear();
    require(PortPool(ports).allocateSeveral(2).size() == 2, "the child keeps them");
    returned.send();
  });
}

TEST_P(ForkedWith, AChildThatExitsEndsNothingOfItsParents) {
  run([] {
    ::setenv("PORTPOOL_VERBOSE", "1", 1);
    static std::optional<PortScope> scope;
    static std::optional<TCPPortOwner> owner;
    scope.emplace("a test");
    owner.emplace();
    PortRequest held;
    held.hold = Hold::Exclusive;
    const auto port = scope->getNextAvailableTCPPort();
    const auto refused = scope->getNextAvailableTCPPort(held);
    const auto before = PortPool::process().statistics();
    const auto server = listenOn(port, "0.0.0.0", Reuse::Yes);
    std::string words;
    {
      const StderrReader stderrReader;
      const auto pid = ::fork();
      if (pid == 0) {
        require(PortPool::process().statistics().allocated == 0, "it counts its parent's ports");
        require(describePorts().empty(), "it speaks of its parent's ports");
        std::exit(0);  // runs the destructors of the static objects
      }
      reap(pid);
      words = stderrReader.rest();
    }
    require(words.empty(), words.c_str());
    require(PortPool::process().statistics().allocated == before.allocated, "counted twice");
    require(bindAnew("0.0.0.0", refused, Reuse::Yes) == EADDRINUSE, "the hold ended");
    PortPoolOptions options;
    options.waitTime = std::chrono::milliseconds(0);
    for (const auto leased : {owner->port(), port, refused}) {
      try {
        PortPool(PortSet{{leased, leased}}, options).allocate();
        throw std::logic_error("the child ended its parent's lease");
      } catch (const NoPortAvailableError&) {
      }
    }
    scope.reset();
    owner.reset();
  });
}

// Whose memory is copied without the handlers of fork(), and whose pid may be its parent's.
TEST_P(ForkedWith, AChildOfABareCloneIsAnotherProcessToo) {
  run([] {
    TCPPortOwner owner;
    const auto pid = static_cast<pid_t>(::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
    if (pid == 0) {
      ::alarm(20);
      const auto port = owner.port();
      owner.cleanup();
      try {
        PortPoolOptions options;
        options.waitTime = std::chrono::milliseconds(0);
        PortPool(PortSet{{port, port}}, options).allocate();
        ::_exit(1);
      } catch (const NoPortAvailableError&) {
      }
      ::_exit(TCPPortOwner().port() == 0 ? 1 : 0);
    }
    reap(pid);
  });
}

TEST(Forked, AProbeIsNotBroken) {
  EXPECT_TRUE(succeedsInChild([] {
    // Children that only exit run the ends of the parent's scopes: without a look at its ports.
    static std::optional<PortScope> scope;
    for (int i = 0; i < 200; ++i) {
      scope.emplace("a test");
      const auto port = scope->getNextAvailableTCPPort();
      const auto pid = ::fork();
      if (pid == 0) std::exit(0);
      for (int again = 0; again < 20; ++again) {
        require(bindAnew("0.0.0.0", port) == 0, "the child probes its parent's port");
      }
      reap(pid);
      scope.reset();
    }
  }));
}

// ---- Killed servers -----------------------------------------------------------------------------

TEST(Killed, AServerThatIsNotReapedIsNoLeak) {
  EXPECT_TRUE(succeedsInChild([] {
    ::setenv("PORTPOOL_LEAKS", "fail", 1);
    std::vector<ForkedChild> zombies;
    for (int i = 0; i < 50; ++i) {
      PortScope scope("a test");
      const auto port = scope.getNextAvailableTCPPort();
      const auto held = scope.getNextAvailableTCPPort();
      Signal listens;
      zombies.emplace_back([&] {
        const auto server = listenOn(port, "0.0.0.0", Reuse::Yes);
        const auto bound = occupy(held);
        const std::vector<char> memory(std::size_t{1} << 24, 'x');  // which takes time to free
        listens.send();
        sleepUntilKilled();
      });
      listens.await();
      ::kill(zombies.back().pid(), SIGKILL);
      const auto leaks = scope.end();
      if (!leaks.empty()) throw std::runtime_error(leaks.front());
    }
  }));
}

TEST(Killed, AServerWhoseClientIsStillConnectedLeavesItsPort) {
  EXPECT_TRUE(succeedsInChild([] {
    const auto port = PortPool(getServerTCPPorts()).allocate().port();
    Signal listens, accepted;
    ForkedChild server([&] {
      const auto listener = listenOn(port, "127.0.0.1", Reuse::Yes);
      listens.send();
      const platform::Socket connection(::accept(listener.get(), nullptr, nullptr));
      accepted.send();
      sleepUntilKilled();
    });
    listens.await();
    auto address = addressOf("127.0.0.1");
    reinterpret_cast<sockaddr_in*>(address.bytes.data())->sin_port = htons(port);
    const auto client = openSocket(AF_INET);
    require(::connect(client.get(), reinterpret_cast<sockaddr*>(address.bytes.data()),
                      static_cast<socklen_t>(address.size)) == 0,
            "connect");
    accepted.await();
    server.kill();
    require(bindAnew("0.0.0.0", port) == EADDRINUSE, "no connection lingers");
    PortPool pool(PortSet{{port, port}}, impatient());
    require(pool.allocate().port() == port, "no port");
  }));
}

}  // namespace
}  // namespace portpool::test
