#include "network.hpp"

#include <gtest/gtest.h>

namespace {

TEST(Network, IsItsOwn) { EXPECT_TRUE(isIsolated()); }
TEST(Network, IsItsOwnAgain) { EXPECT_TRUE(isIsolated()); }

}  // namespace
