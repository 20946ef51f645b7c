#include "network.hpp"

#include <portpool/catch2.hpp>

TEST_CASE("the network is its own") { CHECK(isIsolated()); }
TEST_CASE("the network is its own, again") { CHECK(isIsolated()); }
