#include <portpool/gtest.hpp>

class ServerTest : public portpool::gtest::PortFixture<> {
 protected:
  portpool::TCPPortOwner owner_;
  portpool::ListeningSocket server_ = owner_.listen();
};

TEST_F(ServerTest, ListensOnItsPort) { EXPECT_EQ(server_.port(), owner_.port()); }

TEST(Plain, HasAPort) { EXPECT_NE(portpool::getNextAvailableTCPPort(), 0); }
