// Tests that run on the ports that CTest hands to them.

#include <portpool/gtest.hpp>

#include <cstddef>
#include <vector>

namespace {

using portpool::getServerTCPPorts;

class One : public ::testing::TestWithParam<int> {};
class Three : public ::testing::TestWithParam<int> {};

/// Listens on this many ports, all that CTest allocated to the test, for a moment.
void serveOn(std::size_t count) {
  EXPECT_EQ(getServerTCPPorts().size(), count) << getServerTCPPorts();
  std::vector<portpool::ListeningSocket> servers;
  for (std::size_t i = 0; i < count; ++i) {
    servers.push_back(portpool::getListeningTCPSocket());
    portpool::waitUntilListening(servers.back().port());
  }
}

TEST_P(One, IsThePool) { serveOn(1); }
TEST_P(Three, AreThePool) { serveOn(3); }

INSTANTIATE_TEST_SUITE_P(Of, One, ::testing::Range(0, 20));
INSTANTIATE_TEST_SUITE_P(Of, Three, ::testing::Range(0, 10));

}  // namespace
