#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>

#include <portpool/portpool.hpp>

#include "fork.hpp"
#include "library_copy.hpp"

namespace portpool::test {
namespace {

void excludeEachOther() {
  TCPPortOwner owner;
  const auto port = owner.port();
  require(!copyCanAllocate(port), "the copy hands out a port that is leased");
  owner.cleanup();
  require(copyCanAllocate(port), "the copy cannot have a port that was returned");

  PortPoolOptions dontWait;
  dontWait.waitTime = std::chrono::milliseconds(0);
  PortPool pool(PortSet{{port, port}}, dontWait);
  try {
    pool.allocate();
    throw std::logic_error("a port that the copy leases is handed out");
  } catch (const NoPortAvailableError&) {
    copyCleanup();
  }
  require(pool.allocate().port() == port, "a port that the copy returned cannot be had");
}

TEST(LibraryCopies, ExcludeEachOther) { EXPECT_TRUE(ForkedChild(excludeEachOther).succeeds()); }

}  // namespace
}  // namespace portpool::test
