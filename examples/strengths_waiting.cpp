// Waiting for a server in a process of its own, and not for one that has died.

#include <portpool/gtest.hpp>

#include "child_process.hpp"
#include "echo_server.hpp"

#include <unistd.h>

#include <chrono>

using namespace std::chrono_literals;

TEST(Waiting, EndsWhenTheServerListens) {
  const auto port = portpool::getNextAvailableTCPPort();
  ChildProcess child{[port] {
    EchoServer server{port};
    ::pause();
  }};
  EXPECT_NO_THROW(portpool::waitUntilListening(port, portpool::kHost, 30s, child.pid()));
}

TEST(Waiting, EndsWhenTheServerDies) {
  const auto port = portpool::getRefusedTCPPort();
  ChildProcess child{[] {}};
  EXPECT_THROW(portpool::waitUntilListening(port, portpool::kHost, 3600s, child.pid()),
               portpool::NotListeningError);
}
