#include "support/token_server.hpp"

#include <portpool/gtest.hpp>

namespace {

class Parallel : public portpool::gtest::PortFixture<::testing::TestWithParam<int>> {
 protected:
  TokenServer server_{getNextAvailableTCPPort()};
};
TEST_P(Parallel, ReachesItsOwnServer) { EXPECT_TRUE(server_.isReached()); }
INSTANTIATE_TEST_SUITE_P(Thirty, Parallel, ::testing::Range(0, 30));

}  // namespace
