#include <portpool/gtest.hpp>

namespace {

class ServerTest : public portpool::gtest::PortFixture<> {};

TEST_F(ServerTest, HasItsOwnPorts) {
  EXPECT_NE(getNextAvailableTCPPort(), getNextAvailableTCPPort());
}

TEST(Plain, HasItsOwnPorts) {
  EXPECT_NE(portpool::getNextAvailableTCPPort(), portpool::getNextAvailableTCPPort());
}

}  // namespace
