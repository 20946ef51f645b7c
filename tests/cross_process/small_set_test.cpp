// More processes than ports.

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdlib>
#include <vector>

#include <portpool/portpool.hpp>

#include "fork.hpp"
#include "loopback_server.hpp"
#include "turns.hpp"

namespace portpool::test {
namespace {

constexpr int kFewPorts = 3;
constexpr std::size_t kManyProcesses = 8;

/// No process stops before all have had their turns, so one that is passed over waits until its
/// wait time is up, and fails.
TEST(SmallSet, EveryProcessGetsItsTurn) {
  PortSet ports;
  {
    PortPool pool(getServerTCPPorts());
    std::vector<TCPPortOwner> owners;
    for (int i = 0; i < kFewPorts; ++i) {
      owners.push_back(pool.allocate());
      ports.insert(owners.back().port());
    }
  }
  const Shared<Turns<kManyProcesses>> turns;
  std::vector<ForkedChild> children;
  for (std::size_t i = 0; i < kManyProcesses; ++i) {
    children.emplace_back([&, i] {
      ::setenv("PORTPOOL_PORTS", ports.toString().c_str(), 1);
      PortPool pool(getServerTCPPorts());
      while (!turns->everyoneHad(kTurnsOfEach)) {
        const auto owner = pool.allocate();
        serveOnce(owner.port());
        ++turns->taken[i];
      }
    });
  }
  for (auto& child : children) EXPECT_TRUE(child.succeeds());
}

}  // namespace
}  // namespace portpool::test
