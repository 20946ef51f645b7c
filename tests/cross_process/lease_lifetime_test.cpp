// When a lease ends, and when it does not.

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <optional>
#include <stdexcept>

#include <portpool/portpool.hpp>

#include "fork.hpp"

namespace portpool::test {
namespace {

PortPoolOptions dontWait() {
  PortPoolOptions options;
  options.waitTime = std::chrono::milliseconds(0);
  return options;
}

bool canAllocate(PortPool& pool) {
  try {
    pool.allocate();
    return true;
  } catch (const NoPortAvailableError&) {
    return false;
  }
}

bool isTaken(std::uint16_t port) {
  PortPool pool(PortSet{{port, port}}, dontWait());
  return !canAllocate(pool);
}

PortSet setOfOnePort() {
  const auto port = PortPool(getServerTCPPorts()).allocate().port();
  return {{port, port}};
}

void runInChild(const std::function<void()>& function) {
  EXPECT_TRUE(ForkedChild(function).succeeds());
}

TEST(LeaseLifetime, EndsWhenTheHolderIsKilled) {
  runInChild([] {
    const Shared<std::uint16_t> port;
    Signal allocated;
    ForkedChild holder([&] {
      const TCPPortOwner owner;
      *port = owner.port();
      allocated.send();
      sleepUntilKilled();
    });
    allocated.await();
    require(isTaken(*port), "the holder lives, but its port is not leased");
    holder.kill();
    require(!isTaken(*port), "the holder is dead, but its port is leased");
  });
}

TEST(LeaseLifetime, OutlastsAForkedChildThatExits) {
  runInChild([] {
    const TCPPortOwner owner;
    require(ForkedChild([] {}).succeeds(), "the child failed");
    require(isTaken(owner.port()), "a child's exit ended its parent's lease");
  });
}

TEST(LeaseLifetime, OutlastsAForkedChildThatRunsItsDestructors) {
  runInChild([] {
    static std::optional<TCPPortOwner> owner;
    owner.emplace();
    // The copy of this static object is destroyed by std::exit.
    require(!ForkedChild([] { std::exit(7); }).succeeds(), "the child did not exit with 7");
    require(isTaken(owner->port()), "a child's std::exit ended its parent's lease");
    owner.reset();
  });
}

TEST(LeaseLifetime, OutlastsAForkedChildThatCleansItsCopyUp) {
  runInChild([] {
    TCPPortOwner owner;
    const bool childSucceeded = ForkedChild([&] {
                                  const auto port = owner.port();
                                  owner.cleanup();
                                  require(isTaken(port), "the child ended its parent's lease");
                                }).succeeds();
    require(childSucceeded, "the child failed");
    require(isTaken(owner.port()), "a child's cleanup ended its parent's lease");
  });
}

TEST(LeaseLifetime, IsNotSharedByAForkedChild) {
  runInChild([] {
    // Parent and child both have this pool, and the one port is free in it.
    PortPool pool(setOfOnePort(), dontWait());
    Signal allocated;
    ForkedChild child([&] {
      const auto owner = pool.allocate();
      allocated.send();
      sleepUntilKilled();
    });
    allocated.await();
    require(!canAllocate(pool), "the child's lease does not hold against its parent");
    child.kill();
    require(canAllocate(pool), "the child is dead, but its port is leased");
  });
}

TEST(LeaseLifetime, EndsWithItsOwner) {
  runInChild([] {
    TCPPortOwner owner;
    const auto port = owner.port();
    owner.cleanup();
    require(!isTaken(port), "the port is leased after cleanup");
  });
}

}  // namespace
}  // namespace portpool::test
