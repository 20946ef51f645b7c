// A suite with a hard-coded port. Each of its tests runs with PORTPOOL_ISOLATE=1, which
// CMakeLists.txt sets, in a network of its own: they can run side by side.

#include <portpool/gtest.hpp>

#include "echo_server.hpp"

class HardCoded : public ::testing::TestWithParam<int> {
 protected:
  EchoServer server{8080};
};

TEST_P(HardCoded, PortIsThisTestsOwn) {
  for (int i = 0; i < 200; ++i) ASSERT_EQ(EchoClient(server).echo("hello"), "hello");
}

INSTANTIATE_TEST_SUITE_P(Test, HardCoded, ::testing::Range(0, 24));
