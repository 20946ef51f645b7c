#include "waiting_line.hpp"

#include <gtest/gtest.h>

#include <optional>

#include <portpool/portpool.hpp>

#include "fork.hpp"
#include "platform/lease.hpp"

namespace portpool::test {
namespace {

class Line : public ::testing::Test {
 private:
  // A port of this test's own: the line of this set is nobody else's.
  std::unique_ptr<platform::LeaseRegistry> registry_ = platform::makeLeaseRegistry();
  TCPPortOwner owner_ = PortPool(getServerTCPPorts()).allocate();

 protected:
  const WaitingLine line_{*registry_, {{owner_.port(), owner_.port()}}};
};

TEST_F(Line, ServesWhoComesFirst) {
  EXPECT_FALSE(line_.isAnyoneWaiting());
  std::optional<PlaceInLine> first(std::in_place, line_);
  EXPECT_TRUE(first->advance());
  EXPECT_TRUE(line_.isAnyoneWaiting());
  std::optional<PlaceInLine> second(std::in_place, line_);
  PlaceInLine third(line_);
  EXPECT_FALSE(second->advance());
  EXPECT_FALSE(third.advance());

  first.reset();
  EXPECT_TRUE(line_.isAnyoneWaiting()) << "the second has not moved up yet, but he waits";
  EXPECT_FALSE(third.advance()) << "the third passed the second";
  EXPECT_TRUE(second->advance());
  EXPECT_FALSE(third.advance());

  second.reset();
  EXPECT_TRUE(third.advance());
}

TEST_F(Line, LosesWhoDies) {
  Signal waits;
  ForkedChild child([&] {
    PlaceInLine place(line_);
    place.advance();
    waits.send();
    sleepUntilKilled();
  });
  waits.await();
  PlaceInLine next(line_);
  EXPECT_FALSE(next.advance());
  child.kill();
  EXPECT_TRUE(next.advance());
}

}  // namespace
}  // namespace portpool::test
