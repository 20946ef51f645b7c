// Many processes, threads and users allocate and serve at once.

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <portpool/portpool.hpp>

#include "fork.hpp"
#include "loopback_server.hpp"

namespace portpool::test {
namespace {

constexpr int kStormProcesses = 16;
constexpr int kStormThreads = 4;

struct Storm {
  std::array<std::atomic<bool>, 65536> isHeld{};
  std::atomic<int> served{0};
};

void allocateAndServe(Storm& storm, int times) {
  for (int i = 0; i < times; ++i) {
    TCPPortOwner owner;
    if (storm.isHeld[owner.port()].exchange(true)) {
      throw std::runtime_error("port " + std::to_string(owner.port()) + " was handed out twice");
    }
    serveOnce(owner.port());
    storm.isHeld[owner.port()] = false;
    ++storm.served;
  }
}

void runThreads(Storm& storm, int kTimesEach) {
  std::atomic<bool> failed{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < kStormThreads; ++i) {
    threads.emplace_back([&] {
      try {
        allocateAndServe(storm, kTimesEach);
      } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        failed = true;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  if (failed) throw std::runtime_error("a thread failed");
}

TEST(Storm, EveryServerBindsAndIsReachedAlone) {
  const Shared<Storm> storm;
  constexpr int kTimesEach = STORM_ALLOCATIONS / (kStormProcesses * kStormThreads);
  std::vector<ForkedChild> children;
  for (unsigned i = 0; i < kStormProcesses; ++i) {
    children.emplace_back([&storm, i] {
      becomeUser(i % 3);
      runThreads(*storm, kTimesEach);
    });
  }
  for (auto& child : children) EXPECT_TRUE(child.succeeds());
  EXPECT_EQ(storm->served, kTimesEach * kStormProcesses * kStormThreads);
}

}  // namespace
}  // namespace portpool::test
