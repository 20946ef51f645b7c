// More processes than ports.

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <functional>
#include <vector>

#include <portpool/portpool.hpp>

#include "fork.hpp"
#include "loopback_server.hpp"

namespace portpool::test {
namespace {

constexpr int kPorts = 3;
constexpr int kProcesses = 8;
constexpr int kTurns = 25;

struct Turns {
  std::array<std::atomic<int>, kProcesses> taken{};

  bool everyoneHad(int turns) const {
    for (const auto& each : taken) {
      if (each < turns) return false;
    }
    return true;
  }
};

/// No process stops before all have had their turns, so one that is passed over waits until its
/// wait time is up, and fails.
void shareAFewPorts(const std::function<void()>& prepareProcess) {
  PortSet ports;
  {
    PortPool pool(getServerTCPPorts());
    std::vector<TCPPortOwner> owners;
    for (int i = 0; i < kPorts; ++i) {
      owners.push_back(pool.allocate());
      ports.insert(owners.back().port());
    }
  }
  const Shared<Turns> turns;
  std::vector<ForkedChild> children;
  for (std::size_t i = 0; i < kProcesses; ++i) {
    children.emplace_back([&, i] {
      ::setenv("PORTPOOL_PORTS", ports.toString().c_str(), 1);
      prepareProcess();
      PortPool pool(getServerTCPPorts());
      while (!turns->everyoneHad(kTurns)) {
        const auto owner = pool.allocate();
        serveOnce(owner.port());
        ++turns->taken[i];
      }
    });
  }
  for (auto& child : children) EXPECT_TRUE(child.succeeds());
}

TEST(SmallSet, EveryProcessGetsItsTurn) {
  shareAFewPorts([] {});
}

TEST(SmallSet, EveryProcessGetsItsTurnWithLockFileLeases) { shareAFewPorts(refuseAbstractNames); }

}  // namespace
}  // namespace portpool::test
