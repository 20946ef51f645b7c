// What a forked child finds of its parent's pool, and what it does to it.

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <portpool/adapter.hpp>
#include <portpool/portpool.hpp>

#include "fork.hpp"
#include "unit/sanitizers.hpp"
#include "unit/surroundings.hpp"

namespace portpool::test {
namespace {

/// The allocator of clang 14's AddressSanitizer does not survive fork() beside threads that
/// allocate memory: a child forked while one of them holds its lock waits for it for ever.
constexpr const char* kForkLosesMemory =
    "AddressSanitizer leaves the child no memory; other builds run this test";

TEST(Forked, AChildCanGoOnWhateverTheThreadsOfItsParentAreAt) {
  if (kHasAddressSanitizer) GTEST_SKIP() << kForkLosesMemory;
  checkInChild([] {
    PortPool pool(getServerTCPPorts());
    std::atomic<bool> isOver{false};
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([&] {
        while (!isOver) {
          pool.allocate();
          PortScope scope;
          getNextAvailableTCPPort();
        }
      });
    }
    for (int i = 0; i < 300; ++i) {
      ForkedChild child([&] {
        ::alarm(20);  // a child that waits for a lock waits for ever
        const auto several = pool.allocateSeveral(3);
        getNextAvailableTCPPort();
        PortScope scope;
        getNextAvailableTCPPort();
        PortPool(getServerTCPPorts()).allocate();
      });
      require(child.succeeds(), "a child hangs or fails");
    }
    isOver = true;
    for (auto& thread : threads) thread.join();
  });
}

/// As a logging library has it: no thread is within while another forks.
class Log {
 public:
  Log() {
    ::pthread_atfork([] { theirs.mutex_.lock(); }, [] { theirs.mutex_.unlock(); },
                     [] { theirs.mutex_.unlock(); });
  }
  void write(const std::function<void()>& function) {
    const std::lock_guard<std::mutex> lock(mutex_);
    function();
  }
  static Log theirs;

 private:
  std::mutex mutex_;
};
Log Log::theirs;

TEST(ForkedBeside, AThreadThatTakesAPortUnderALockOfTheProgramsOwn) {
  if (kHasAddressSanitizer) GTEST_SKIP() << kForkLosesMemory;
  checkInChild([] {
    ::alarm(60);  // threads that wait for each other wait for ever
    PortPool pool(getServerTCPPorts());
    std::atomic<bool> isOver{false}, isForking{false};
    std::thread thread([&] {
      while (!isOver) {
        Log::theirs.write([&] { pool.allocate(); });
        while (isForking) std::this_thread::yield();  // a mutex is not fair
      }
    });
    for (int i = 0; i < 100; ++i) {
      isForking = true;
      ForkedChild([] {}).succeeds();
      isForking = false;
    }
    isOver = true;
    thread.join();
  });
}

TEST(Forked, AChildDoesNotKeepWhatItsParentReturns) {
  checkInChild([] {
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

TEST(Forked, AChildThatExitsEndsNothingOfItsParents) {
  checkInChild([] {
    ::setenv("PORTPOOL_VERBOSE", "1", 1);
    static std::optional<PortScope> scope;
    static std::optional<TCPPortOwner> owner;
    scope.emplace("a test");
    owner.emplace();
    PortRequest held;
    held.hold = Hold::Exclusive;
    const auto port = getNextAvailableTCPPort();
    const auto refused = getNextAvailableTCPPort(held);
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

TEST(Forked, AProbeIsNotBroken) {
  EXPECT_TRUE(succeedsInChild([] {
    // Children that only exit run the ends of the parent's scopes: without a look at its ports.
    static std::optional<PortScope> scope;
    for (int i = 0; i < 200; ++i) {
      scope.emplace("a test");
      const auto port = getNextAvailableTCPPort();
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

// ---- Forks at odd moments -----------------------------------------------------------------------

TEST(ForkedAt, TheFirstUseOfThePoolAChildHasAPool) {
  if (kHasAddressSanitizer) GTEST_SKIP() << kForkLosesMemory;
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(succeedsInChild([] {
      std::atomic<bool> hasPort{false};
      std::promise<void> isOver;
      std::thread user([&] {
        getNextAvailableTCPPort();
        hasPort = true;
        isOver.get_future().wait();  // ThreadSanitizer takes an ended thread in a child for a leak
      });
      while (!hasPort) {
        ForkedChild child([] {
          ::alarm(20);  // a child that waits for a lock waits for ever
          require(getNextAvailableTCPPort() != 0, "no port");
        });
        require(child.succeeds(), "a child hangs or fails");
      }
      isOver.set_value();
      user.join();
    }));
  }
}

}  // namespace
}  // namespace portpool::test
