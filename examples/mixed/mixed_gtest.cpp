// The tests in C++ with GoogleTest.

#include <portpool/gtest.hpp>

extern "C" {
#include "talk.h"
}

class Server : public portpool::gtest::PortFixture<::testing::TestWithParam<int>> {};

TEST_P(Server, TalksToItself) { EXPECT_EQ(talkToItself(getNextAvailableTCPPort()), 0); }

INSTANTIATE_TEST_SUITE_P(Mixed, Server, ::testing::Range(0, 30));
