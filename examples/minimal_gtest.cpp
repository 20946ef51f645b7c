#include <portpool/gtest.hpp>

#include "echo_server.hpp"

class EchoServerTest : public portpool::gtest::PortFixture<> {  // or PortFixture<MyFixture>
 protected:
  EchoServer server{getNextAvailableTCPPort()};  // returned after the fixture is destroyed
};

TEST_F(EchoServerTest, Echoes) { EXPECT_EQ(EchoClient(server).echo("hello"), "hello"); }

TEST(Plain, NoFixtureNeeded) {
  EchoServer server{portpool::getNextAvailableTCPPort()};  // returned when the test ends
  EXPECT_EQ(EchoClient(server).echo("hello"), "hello");
}
