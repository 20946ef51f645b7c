#include <portpool/tcp_port_owner.hpp>

#include <gmock/gmock.h>

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include <portpool/port_pool.hpp>

#include "surroundings.hpp"

namespace portpool::test {
namespace {

using ::testing::ElementsAre;

static_assert(!std::is_copy_constructible_v<TCPPortOwner>);
static_assert(!std::is_copy_assignable_v<TCPPortOwner>);
static_assert(std::is_nothrow_move_constructible_v<TCPPortOwner>);
static_assert(std::is_nothrow_move_assignable_v<TCPPortOwner>);

TEST(TCPPortOwner, AllocatesFromTheProcesssPool) {
  auto& pool = PortPool::process();
  const auto before = pool.statistics();
  const TCPPortOwner owner;
  EXPECT_TRUE(pool.ports().contains(owner.port()));
  EXPECT_TRUE(isLeased(owner.port()));
  EXPECT_THAT(owner.hosts(), ElementsAre("", "localhost"));
  EXPECT_EQ(owner.family(), AddressFamily::Any);
  EXPECT_EQ(pool.statistics().allocated, before.allocated + 1);
  EXPECT_EQ(pool.statistics().lifetimeTotal, before.lifetimeTotal + 1);
}

TEST(TCPPortOwner, RemembersWhatWasAskedFor) {
  const TCPPortOwner owner({"127.0.0.1", "127.0.0.2"}, AddressFamily::IPv4);
  EXPECT_THAT(owner.hosts(), ElementsAre("127.0.0.1", "127.0.0.2"));
  EXPECT_EQ(owner.family(), AddressFamily::IPv4);
  PortRequest request;
  request.hosts = {"localhost"};
  EXPECT_THAT(TCPPortOwner(request).hosts(), ElementsAre("localhost"));
}

TEST(TCPPortOwner, ReturnsItsPortWhenItEnds) {
  PortPool pool(freshPorts(1), impatient());
  for (int i = 0; i < 3; ++i) {
    const auto owner = pool.allocate();
    EXPECT_TRUE(isLeased(owner.port()));
    EXPECT_EQ(pool.statistics().allocated, 1U);
  }
  EXPECT_FALSE(isLeased(*pool.ports().begin()));
  EXPECT_EQ(pool.statistics().allocated, 0U);
}

TEST(TCPPortOwner, CanBeCleanedUpAnyNumberOfTimes) {
  PortPool pool(freshPorts(1), impatient());
  auto owner = pool.allocate();
  const auto port = owner.port();
  owner.cleanup();
  EXPECT_EQ(owner.port(), 0);
  EXPECT_FALSE(isLeased(port));
  const auto next = pool.allocate();
  owner.cleanup();
  owner.cleanup();
  EXPECT_EQ(next.port(), port);
  EXPECT_TRUE(isLeased(port)) << "the second cleanup took the next owner's lease";
  EXPECT_EQ(pool.statistics().allocated, 1U);
}

TEST(TCPPortOwner, IsMoved) {
  PortPool pool(freshPorts(2), impatient());
  auto first = pool.allocate();
  const auto port = first.port();
  TCPPortOwner second(std::move(first));
  EXPECT_EQ(first.port(), 0);  // NOLINT(bugprone-use-after-move,clang-analyzer-cplusplus.Move)
  EXPECT_EQ(second.port(), port);
  first.cleanup();
  EXPECT_TRUE(isLeased(port));

  auto third = pool.allocate();
  const auto replaced = third.port();
  third = std::move(second);
  EXPECT_EQ(third.port(), port);
  EXPECT_FALSE(isLeased(replaced)) << "what an owner had is returned when it is given another";
  EXPECT_EQ(pool.statistics().allocated, 1U);
}

TEST(TCPPortOwner, MovedToItselfKeepsItsPort) {
  PortPool pool(freshPorts(1), impatient());
  auto owner = pool.allocate();
  auto& same = owner;
  owner = std::move(same);
  EXPECT_EQ(owner.port(), *pool.ports().begin());
  EXPECT_TRUE(isLeased(owner.port()));
}

TEST(TCPPortOwner, OutlivesItsPool) {
  std::optional<PortPool> pool(std::in_place, freshPorts(1));
  const auto port = *pool->ports().begin();
  auto owner = pool->allocate();
  pool.reset();
  EXPECT_EQ(owner.port(), port);
  EXPECT_THAT(owner.hosts(), ElementsAre("", "localhost"));
  EXPECT_TRUE(isLeased(port));
  owner.cleanup();
  EXPECT_FALSE(isLeased(port));
}

}  // namespace
}  // namespace portpool::test
