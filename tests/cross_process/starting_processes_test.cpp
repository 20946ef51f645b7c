// Programs that start processes while their other threads have to do with ports.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
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

#include <portpool/adapter.hpp>
#include <portpool/portpool.hpp>

#include "fork.hpp"
#include "system/system.hpp"
#include "unit/surroundings.hpp"

namespace portpool::test {
namespace {

// The child process has the descriptors until it executes the program.
void forkAndExec() {
  const auto pid = ::fork();
  if (pid == 0) {
    ::execl("/usr/bin/true", "true", nullptr);
    ::_exit(1);
  }
  reap(pid);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"  // by Apple
void vforkAndExec() {
  const auto pid = ::vfork();  // NOLINT(clang-analyzer-security.insecureAPI.vfork): what is tested
  if (pid == 0) {
    ::execl("/usr/bin/true", "true", nullptr);
    ::_exit(1);
  }
  reap(pid);
}
#pragma GCC diagnostic pop

void spawn() {
  char name[] = "true";
  char* const arguments[] = {name, nullptr};
  char* const environment[] = {nullptr};
  pid_t pid = -1;
  require(::posix_spawn(&pid, "/usr/bin/true", nullptr, nullptr, arguments, environment) == 0,
          "spawn");
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
      const auto port = getNextAvailableTCPPort();
      const auto held = getRefusedTCPPort();
      const auto udp = getNextAvailableUDPPort();
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
  checkInChild([] {
    dieOfInheritance();
    ::setenv("PORTPOOL_LEAKS", "fail", 1);
    PortScope scope("a test");
    const auto port = getNextAvailableTCPPort();
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
  });
}

// ---- Killed servers -----------------------------------------------------------------------------

TEST(Killed, AServerThatIsNotReapedIsNoLeak) {
  EXPECT_TRUE(succeedsInChild([] {
    ::setenv("PORTPOOL_LEAKS", "fail", 1);
    std::vector<ForkedChild> zombies;
    for (int i = 0; i < 50; ++i) {
      PortScope scope("a test");
      const auto port = getNextAvailableTCPPort();
      const auto held = getNextAvailableTCPPort();
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

#ifdef MAP_POPULATE
constexpr int kPopulated = MAP_POPULATE;
#else
constexpr int kPopulated = 0;
#endif

TEST(Killed, AServerThatTakesLongToDieIsNoLeak) {
  EXPECT_TRUE(succeedsInChild([] {
    ::setenv("PORTPOOL_LEAKS", "fail", 1);
    PortScope scope("a test");
    const auto port = getNextAvailableTCPPort();
    Signal listens;
    const ForkedChild server([&] {
      const auto listener = listenOn(port, "0.0.0.0", Reuse::Yes);
      constexpr std::size_t kSize = std::size_t{1} << 30;  // freed before files are closed
      require(::mmap(nullptr, kSize, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | kPopulated, -1, 0) != MAP_FAILED,
              "no memory");
      listens.send();
      sleepUntilKilled();
    });
    listens.await();
    ::kill(server.pid(), SIGKILL);
    const auto leaks = scope.end();
    if (!leaks.empty()) throw std::runtime_error(leaks.front());
  }));
}

/// Keeps a processor from all others, but for the small part that the kernel gives them all the
/// same, for some seconds.
void keepBusy(int processor, const Signal& isBusy) {
  runOn(processor);
  becomeRealTime();
  isBusy.send();
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(3);
  while (std::chrono::steady_clock::now() < end) continue;
}

TEST(Killed, AServerThatGetsNoProcessorIsNoLeak) {
  checkInChild([] {
    ::setenv("PORTPOOL_LEAKS", "fail", 1);
    PortScope scope("a test");
    const auto port = getNextAvailableTCPPort();
    Signal listens;
    const ForkedChild server([&] {
      runOn(0);
      const auto listener = listenOn(port, "0.0.0.0", Reuse::Yes);
      listens.send();
      sleepUntilKilled();
    });
    listens.await();
    runOn(1);
    Signal isBusy;  // of which the server has no copy
    const ForkedChild other([&] { keepBusy(0, isBusy); });
    try {
      isBusy.await();
    } catch (const std::exception&) {
      throw Refused("the kernel refuses real-time scheduling");
    }
    ::kill(server.pid(), SIGKILL);
    EXPECT_EQ(scope.end(), std::vector<std::string>());
  });
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
    const Address address("127.0.0.1", port);
    const auto client = openSocket(AF_INET);
    require(::connect(client.get(), address.get(), address.size()) == 0, "connect");
    accepted.await();
    server.kill();
    require(bindAnew("0.0.0.0", port) == EADDRINUSE, "no connection lingers");
    PortPool pool(PortSet{{port, port}}, impatient());
    require(pool.allocate().port() == port, "no port");
  }));
}

}  // namespace
}  // namespace portpool::test
