// Consecutive ports: for servers that derive their other ports from the first.

#include <portpool/gtest.hpp>

#include "echo_server.hpp"

TEST(ConsecutivePorts, AreForAServerThatAddsOne) {
  const auto block = portpool::getNextAvailableTCPPortBlock(3);
  ASSERT_EQ(block.last, block.first + 2);

  EchoServer data{block.first};
  EchoServer administration{static_cast<std::uint16_t>(block.first + 1)};
  EchoServer metrics{block.last};
  EXPECT_EQ(EchoClient(data).echo("hello"), "hello");
  EXPECT_EQ(EchoClient(administration).echo("hello"), "hello");
  EXPECT_EQ(EchoClient(metrics).echo("hello"), "hello");
}

TEST(SeveralPorts, AreHandedOutAllOrNone) {
  for (const auto port : portpool::getNextAvailableTCPPorts(5)) {
    EchoServer server{port};
    EXPECT_EQ(EchoClient(server).echo("hello"), "hello");
  }
}
