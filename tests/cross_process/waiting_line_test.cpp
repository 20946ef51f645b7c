#include "waiting_line.hpp"

#include <gtest/gtest.h>

#include <optional>

#include <portpool/portpool.hpp>

#include "fork.hpp"

namespace portpool::test {
namespace {

class WaitingLine : public ::testing::Test {
 protected:
  PlaceInLine newPlace() { return PlaceInLine(*registry_, owned_); }
  bool isAnyoneWaiting() { return PlaceInLine::isAnyoneWaiting(*registry_, owned_); }

 private:
  // A port of this test's own: the line of this set is nobody else's.
  std::unique_ptr<platform::LeaseRegistry> registry_ = platform::makeLeaseRegistry();
  TCPPortOwner owner_ = PortPool(getServerTCPPorts()).allocate();
  PortSet owned_{{owner_.port(), owner_.port()}};
};

TEST_F(WaitingLine, ServesWhoComesFirst) {
  EXPECT_FALSE(isAnyoneWaiting());
  std::optional<PlaceInLine> first(newPlace());
  EXPECT_TRUE(first->advance());
  EXPECT_TRUE(isAnyoneWaiting());
  std::optional<PlaceInLine> second(newPlace());
  PlaceInLine third(newPlace());
  EXPECT_FALSE(second->advance());
  EXPECT_FALSE(third.advance());

  first.reset();
  EXPECT_TRUE(isAnyoneWaiting()) << "the second has not moved up yet, but he waits";
  EXPECT_FALSE(third.advance()) << "the third passed the second";
  EXPECT_TRUE(second->advance());
  EXPECT_FALSE(third.advance());

  second.reset();
  EXPECT_TRUE(third.advance());
}

TEST_F(WaitingLine, LosesWhoDies) {
  Signal waits;
  ForkedChild child([&] {
    PlaceInLine place(newPlace());
    place.advance();
    waits.send();
    sleepUntilKilled();
  });
  waits.await();
  PlaceInLine next(newPlace());
  EXPECT_FALSE(next.advance());
  child.kill();
  EXPECT_TRUE(next.advance());
}

}  // namespace
}  // namespace portpool::test
