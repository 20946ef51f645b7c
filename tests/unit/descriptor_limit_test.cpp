// Many ports, and too few file descriptors.

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <set>
#include <string>
#include <vector>

#include <portpool/portpool.hpp>

#include "fork.hpp"
#include "surroundings.hpp"

namespace portpool::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

/// Sets the soft limit; returns whether the hard one allows it.
bool setDescriptorLimit(rlim_t count) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = count;
  return ::setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

/// Every descriptor that is left, below the limit.
std::vector<platform::Socket> takeAllDescriptors() {
  std::vector<platform::Socket> sockets;
  while (auto socket = platform::Socket(::socket(AF_INET, SOCK_DGRAM, 0))) {
    sockets.push_back(std::move(socket));
  }
  return sockets;
}

const auto kSaysWhatToDo =
    AllOf(HasSubstr("all 64 file descriptors of this process are in use"), HasSubstr("ulimit -n"));

TEST(DescriptorLimit, FourThousandPortsAreEachBindable) {
  checkInChild([] {
    if (!setDescriptorLimit(4200)) throw Refused("the limit of descriptors cannot be raised");
    PortPool pool(getServerTCPPorts());
    std::vector<TCPPortOwner> owners;
    std::set<std::uint16_t> distinct;
    for (int i = 0; i < 4000; ++i) {
      owners.push_back(pool.allocate());
      distinct.insert(owners.back().port());
    }
    EXPECT_EQ(distinct.size(), 4000U);
    for (const auto port : distinct) {
      const auto server = openSocket(AF_INET);
      EXPECT_EQ(bindTo(server, "127.0.0.1", port), 0) << port;
      EXPECT_EQ(::listen(server.get(), 1), 0) << port;
    }
    EXPECT_EQ(pool.statistics().peak, 4000U);
    owners.clear();
    EXPECT_EQ(pool.statistics().allocated, 0U);
  });
}

TEST(DescriptorLimit, IsAnErrorOfItsOwnThatLosesNoPort) {
  checkInChild([] {
    PortPool pool(freshPorts(100), impatient());
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    ASSERT_TRUE(setDescriptorLimit(64));
    {
      std::vector<TCPPortOwner> owners;
      EXPECT_THAT(
          [&] {
            for (;;) owners.push_back(pool.allocate());
          },
          ThrowsMessage<DescriptorLimitError>(kSaysWhatToDo));
      EXPECT_LT(owners.size(), 64U);
      EXPECT_GT(owners.size(), 10U);
      EXPECT_EQ(pool.statistics().allocated, owners.size());
      EXPECT_THROW(pool.allocate(), DescriptorLimitError);
      owners.pop_back();
      owners.pop_back();
      EXPECT_NO_THROW(pool.allocate());
    }
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    EXPECT_EQ(pool.statistics().allocated, 0U);
    EXPECT_EQ(allocateAll(pool).size(), 100U);
  });
}

TEST(DescriptorLimit, WithOneLeftThereIsALeaseButNoProbe) {
  checkInChild([] {
    PortPool pool(freshPorts(1), impatient());
    ASSERT_TRUE(setDescriptorLimit(64));
    auto taken = takeAllDescriptors();
    ASSERT_FALSE(taken.empty());
    EXPECT_THROW(pool.allocate(), DescriptorLimitError);
    taken.pop_back();
    EXPECT_THROW(pool.allocate(), DescriptorLimitError);
    taken.pop_back();
    EXPECT_NO_THROW(pool.allocate());
  });
}

TEST(DescriptorLimit, IsTheErrorOfAllThatOpens) {
  checkInChild([] {
    const ScopedFolder folder;
    ASSERT_TRUE(setDescriptorLimit(64));
    const auto taken = takeAllDescriptors();
    const auto saysSo = ThrowsMessage<DescriptorLimitError>(kSaysWhatToDo);
    EXPECT_THAT([] { PortPool(PortSet{{20000, 20000}}); }, saysSo);
    EXPECT_THAT([] { findUnusedPort(); }, saysSo);
    EXPECT_THAT([] { platform::makeAbstractNameRegistry(); }, saysSo);
    EXPECT_THAT([&] { platform::makeLockFileRegistry(folder.path("lock")); }, saysSo);
    EXPECT_THAT([] { getServerTCPPorts(); }, saysSo);
  });
}

TEST(DescriptorLimit, IsAsClearWithTheLockFile) {
  checkInChild([] {
    const auto ports = freshPorts(1);
    refuseAbstractNames();
    PortPool pool(ports, impatient());
    ASSERT_TRUE(setDescriptorLimit(64));
    const auto taken = takeAllDescriptors();
    EXPECT_THAT([&] { pool.allocate(); }, ThrowsMessage<DescriptorLimitError>(kSaysWhatToDo));
  });
}

}  // namespace
}  // namespace portpool::test
