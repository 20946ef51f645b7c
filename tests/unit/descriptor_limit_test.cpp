// Many ports, and too few file descriptors.

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <exception>
#include <functional>
#include <iterator>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include <portpool/portpool.hpp>

#include "fork.hpp"
#include "lease_registry.hpp"
#include "platform/posix/sockets.hpp"
#include "surroundings.hpp"
#include "system/system.hpp"

namespace portpool::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

constexpr rlim_t kFew = 64;

/// Sets how many descriptors this process may have; puts it back.
class ScopedDescriptorLimit {
 public:
  explicit ScopedDescriptorLimit(rlim_t count) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = count;
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) throw Refused("the limit cannot be raised");
    // UBSan takes its first look at a class through a pipe, for which there are no descriptors
    // soon.
    static_cast<void>(std::generic_category().message(0));
  }
  ScopedDescriptorLimit(const ScopedDescriptorLimit&) = delete;
  ScopedDescriptorLimit& operator=(const ScopedDescriptorLimit&) = delete;
  ~ScopedDescriptorLimit() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

/// Every descriptor that is left, below the limit.
std::vector<platform::Socket> takeAllDescriptors() {
  std::vector<platform::Socket> sockets;
  sockets.reserve(kFew);
  while (auto socket = platform::newSocket(AF_INET, SOCK_DGRAM)) {
    sockets.push_back(std::move(socket));
  }
  return sockets;
}

/// The exception that the call throws, to be examined when there are descriptors again.
std::exception_ptr thrownBy(const std::function<void()>& call) {
  try {
    call();
    return nullptr;
  } catch (...) {
    return std::current_exception();
  }
}

void expectSaysWhatToDo(const std::exception_ptr& error) {
  ASSERT_TRUE(error);
  EXPECT_THAT([&] { std::rethrow_exception(error); },
              ThrowsMessage<DescriptorLimitError>(
                  AllOf(HasSubstr("all 64 file descriptors of this process are in use"),
                        HasSubstr("ulimit -n"))));
}

TEST(DescriptorLimit, FourThousandPortsAreEachBindable) {
  checkInChild([] {
    const ScopedDescriptorLimit many(4200);
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
    std::exception_ptr error;
    {
      const ScopedDescriptorLimit few(kFew);
      std::vector<TCPPortOwner> owners;
      error = thrownBy([&] {
        for (;;) owners.push_back(pool.allocate());
      });
      EXPECT_LT(owners.size(), kFew);
      EXPECT_GT(owners.size(), 10U);
      EXPECT_EQ(pool.statistics().allocated, owners.size());
      EXPECT_TRUE(thrownBy([&] { pool.allocate(); }));
      owners.pop_back();
      owners.pop_back();
      EXPECT_FALSE(thrownBy([&] { pool.allocate(); }));
    }
    expectSaysWhatToDo(error);
    EXPECT_EQ(pool.statistics().allocated, 0U);
    EXPECT_EQ(allocateAll(pool).size(), 100U);
  });
}

TEST(DescriptorLimit, OfABlockOrOfSeveralLosesNoPort) {
  checkInChild([] {
    PortPool pool(freshBlock(100), impatient());
    std::exception_ptr block, several;
    {
      const ScopedDescriptorLimit few(kFew);
      block = thrownBy([&] { pool.allocateBlock(100); });
      several = thrownBy([&] { pool.allocateSeveral(100); });
    }
    expectSaysWhatToDo(block);
    expectSaysWhatToDo(several);
    EXPECT_EQ(pool.statistics().allocated, 0U);
    EXPECT_EQ(allocateAll(pool).size(), 100U);
  });
}

TEST(DescriptorLimit, WithTooFewForTheLastPortItIsNotLost) {
  checkInChild([] {
    PortPool pool(freshPorts(1), impatient());
    std::exception_ptr noLease, noProbe, fine;
    {
      const ScopedDescriptorLimit few(kFew);
      auto taken = takeAllDescriptors();
      noLease = thrownBy([&] { pool.allocate(); });
      taken.pop_back();
      noProbe = thrownBy([&] { pool.allocate(); });
      taken.pop_back();
      fine = thrownBy([&] { pool.allocate(); });
    }
    expectSaysWhatToDo(noLease);
    expectSaysWhatToDo(noProbe);
    EXPECT_FALSE(fine);
  });
}

TEST(DescriptorLimit, IsTheErrorOfAllThatOpens) {
  checkInChild([] {
    const ScopedFolder folder;
    std::vector<std::function<void()>> calls = {
        [] {
          const PortPool pool(PortSet{{20000, 20000}});
        },
        [] { findUnusedPort(); },
        [] { getServerTCPPorts(); },
    };
    for (const auto& kind : registryKinds()) {
      calls.emplace_back([&folder, kind] { kind.make(folder.path(kind.name))->tryAcquire(20000); });
    }
    for (const auto& call : calls) EXPECT_FALSE(thrownBy(call));
    std::vector<std::exception_ptr> errors;
    {
      const ScopedDescriptorLimit few(kFew);
      const auto taken = takeAllDescriptors();
      std::transform(calls.begin(), calls.end(), std::back_inserter(errors), thrownBy);
    }
    for (const auto& error : errors) expectSaysWhatToDo(error);
  });
}

}  // namespace
}  // namespace portpool::test
