// A server that outlives its test. With PORTPOOL_LEAKS=fail, which CMakeLists.txt sets, the test
// fails; by default it passes, with a warning. Both name the test, the port, and who has it.

#include <portpool/gtest.hpp>

#include "echo_server.hpp"

#include <memory>

TEST(Leak, IsNamed) {
  static std::unique_ptr<EchoServer> forgotten;
  forgotten = std::make_unique<EchoServer>(portpool::getNextAvailableTCPPort());
}
