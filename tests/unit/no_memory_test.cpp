// What becomes of ports when an allocation of memory fails.

#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <new>
#include <optional>
#include <string>
#include <vector>

#include <portpool/adapter.hpp>
#include <portpool/portpool.hpp>

#include "sanitizers.hpp"
#include "surroundings.hpp"

namespace {

/// How many allocations of this thread succeed until one fails; negative for all.
thread_local long allocationsLeft = -1;
thread_local bool isMemoryGone = false;  // after the one, all fail

}  // namespace

// The sanitizers of clang 14 have operators of their own, which no program can replace.
#if defined(HAS_ADDRESS_SANITIZER) || defined(HAS_THREAD_SANITIZER)
#define HAS_OPERATORS_OF_A_SANITIZER
#endif

#ifndef HAS_OPERATORS_OF_A_SANITIZER
// NOLINTBEGIN(cppcoreguidelines-no-malloc): what these are made of
void* operator new(std::size_t size) {
  if (allocationsLeft == 0) {
    if (!isMemoryGone) allocationsLeft = -1;
    throw std::bad_alloc();
  }
  if (allocationsLeft > 0) --allocationsLeft;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
// NOLINTEND(cppcoreguidelines-no-malloc)
#endif

namespace portpool::test {
namespace {

/// Runs the action, again and again, with memory that ends one allocation later each time, until
/// the action succeeds. Nothing terminates, and no port is lost.
void expectNoPortIsLost(PortPool& pool, const std::function<void()>& action) {
  for (const bool forGood : {false, true}) {
    for (long count = 0;; ++count) {
      ASSERT_LT(count, 10000);
      bool succeeded = true;
      isMemoryGone = forGood;
      allocationsLeft = count;
      try {
        action();
      } catch (const std::bad_alloc&) {
        succeeded = false;
      } catch (const PortPoolError&) {
        succeeded = false;
      }
      const bool isOver = allocationsLeft != (forGood ? 0 : -1);
      allocationsLeft = -1;
      ASSERT_EQ(pool.statistics().allocated, 0U) << "at allocation " << count;
      if (succeeded && isOver) break;
    }
    EXPECT_EQ(allocateAll(pool).size(), pool.ports().size());
  }
}

class NoMemory : public ::testing::Test {
 protected:
  void SetUp() override {
#ifdef HAS_OPERATORS_OF_A_SANITIZER
    GTEST_SKIP() << "the sanitizer allocates memory its own way; other builds run this test";
#endif
  }

  PortPool pool_{freshBlock(6), impatient()};
};

TEST_F(NoMemory, LosesNoPort) {
  expectNoPortIsLost(pool_, [&] { pool_.allocate(); });
}

TEST_F(NoMemory, LosesNoPortOfSeveral) {
  expectNoPortIsLost(pool_, [&] { pool_.allocateSeveral(4); });
}

TEST_F(NoMemory, LosesNoPortOfABlock) {
  expectNoPortIsLost(pool_, [&] { pool_.allocateBlock(4); });
}

TEST_F(NoMemory, LosesNoHeldPort) {
  if (!canHold()) GTEST_SKIP() << "this system cannot hold ports";
  expectNoPortIsLost(pool_, [&] {
    PortRequest request;
    request.hosts = {"127.0.0.1", "127.0.0.2"};
    request.hold = Hold::Exclusive;
    auto owner = pool_.allocate(request);
    owner.listen("127.0.0.1");
  });
}

TEST_F(NoMemory, LosesNoPortThatLingers) {
  for (const auto port : pool_.ports()) leaveTimeWait(port);
  expectNoPortIsLost(pool_, [&] { pool_.allocate(); });
}

TEST_F(NoMemory, LosesNoPortWhileNoneIsFree) {
  PortPoolOptions options;
  options.waitTime = std::chrono::milliseconds(1);
  PortPool small(freshPorts(1), options);
  const auto server = listenOn(*small.ports().begin());
  for (long count = 0; count < 400; ++count) {
    allocationsLeft = count;
    try {
      small.allocate();
    } catch (const std::bad_alloc&) {
      continue;
    } catch (const NoPortAvailableError&) {
      if (allocationsLeft > 0) break;
    }
  }
  allocationsLeft = -1;
  EXPECT_EQ(small.statistics().allocated, 0U);
}

/// The same with scopes of this process's pool. Every `step`-th moment is tried.
void expectNoScopeLosesAPort(long step, const std::function<void()>& action) {
  auto& pool = PortPool::process();
  const auto before = pool.statistics().allocated;
  const StderrReader stderrReader;
  std::optional<std::size_t> opened;
  for (const bool forGood : {false, true}) {
    for (long count = 0; count < 10000; count += step) {
      bool succeeded = true;
      isMemoryGone = forGood;
      allocationsLeft = count;
      try {
        const PortScope outer("a suite");
        PortScope scope("a test");
        action();
        describePorts();
        scope.end();
      } catch (const std::bad_alloc&) {
        succeeded = false;
      } catch (const PortPoolError&) {
        succeeded = false;
      }
      const bool isOver = allocationsLeft != (forGood ? 0 : -1);
      allocationsLeft = -1;
      ASSERT_EQ(pool.statistics().allocated, before) << "at allocation " << count;
      stderrReader.rest();
      if (!opened) opened = countDescriptors();  // some stay open from the first use on
      ASSERT_LE(countDescriptors(), *opened + 2) << "at allocation " << count;
      if (succeeded && isOver) break;
    }
  }
}

TEST_F(NoMemory, LosesNoPortOfAScope) {
  const long step = isEmulated() ? 17 : 1;
  expectNoScopeLosesAPort(step, [] {
    leaveTimeWait(getNextAvailableTCPPort());
    getNextAvailableTCPPorts(2);
    if (canHold()) getRefusedTCPPort();
  });
}

TEST_F(NoMemory, LosesNoPortThatLeaks) {
  const long step = isEmulated() ? 51 : 11;  // each takes its time
  expectNoScopeLosesAPort(step, [] {
    static platform::Socket server;
    server = listenOn(getNextAvailableTCPPort());
  });
}

}  // namespace
}  // namespace portpool::test
