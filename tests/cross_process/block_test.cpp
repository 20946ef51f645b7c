// More processes than blocks.

#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <functional>
#include <stdexcept>
#include <vector>

#include <portpool/portpool.hpp>

#include "fork.hpp"
#include "loopback_server.hpp"
#include "turns.hpp"

namespace portpool::test {
namespace {

constexpr std::size_t kContestants = 4;
constexpr std::size_t kContested = 4;
constexpr std::size_t kWanted = 3;

struct ContestForBlocks : Turns<kContestants> {
  std::atomic<int> holders{0};
};

using Allocate = std::function<std::vector<TCPPortOwner>(PortPool&)>;

/// Each process wants three of the same four ports. No process stops before all have had their
/// turns, so one that is passed over waits until its wait time is up, and fails.
void competeForTheLast(const Allocate& allocate) {
  PortSet ports;
  for (const auto& owner : PortPool(getServerTCPPorts()).allocateBlock(kContested)) {
    ports.insert(owner.port());
  }
  const Shared<ContestForBlocks> turns;
  std::vector<ForkedChild> children;
  for (std::size_t i = 0; i < kContestants; ++i) {
    children.emplace_back([&, i] {
      PortPool pool(ports);
      while (!turns->everyoneHad(kTurnsOfEach)) {
        const auto owners = allocate(pool);
        if (++turns->holders != 1) throw std::runtime_error("two processes have 3 of 4 ports");
        for (const auto& owner : owners) serveOnce(owner.port());
        --turns->holders;
        ++turns->taken[i];
      }
    });
  }
  for (auto& child : children) EXPECT_TRUE(child.succeeds());
}

std::vector<TCPPortOwner> block(PortPool& pool) { return pool.allocateBlock(kWanted); }
std::vector<TCPPortOwner> several(PortPool& pool) { return pool.allocateSeveral(kWanted); }

TEST(LastBlock, IsEveryProcesssInTurn) { competeForTheLast(block); }

TEST(LastPorts, AreEveryProcesssInTurnAndNobodyWaitsForAnothersPart) { competeForTheLast(several); }

// Who wants one port may take that which a block lacks, and must return it.
TEST(LastBlock, IsHadThoughOthersWantSinglePortsOfIt) {
  competeForTheLast([](PortPool& pool) {
    pool.allocate();
    return pool.allocateBlock(kWanted);
  });
}

TEST(LastBlock, EndsWithItsHolder) {
  PortSet ports;
  for (const auto& owner : PortPool(getServerTCPPorts()).allocateBlock(kWanted)) {
    ports.insert(owner.port());
  }
  Signal isAllocated;
  ForkedChild holder([&] {
    PortPool pool(ports);
    PortRequest request;
    request.hold = Hold::Exclusive;
    const auto owners = pool.allocateBlock(kWanted, request);
    isAllocated.send();
    sleepUntilKilled();
  });
  isAllocated.await();
  PortPoolOptions options;
  options.waitTime = std::chrono::milliseconds::zero();
  PortPool pool(ports, options);
  EXPECT_THROW(pool.allocateBlock(kWanted), NoPortAvailableError);
  holder.kill();
  const auto owners = pool.allocateBlock(kWanted);
  EXPECT_EQ(owners.size(), kWanted);
  for (const auto& owner : owners) serveOnce(owner.port());
}

}  // namespace
}  // namespace portpool::test
