#include "../catch2_include.hpp"
#include "support/token_server.hpp"

#include <portpool/catch2.hpp>

namespace {

TEMPLATE_TEST_CASE_SIG("Reaches its own server", "", ((int n), n), 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
                       11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29) {
  TokenServer server(portpool::getNextAvailableTCPPort());
  CHECK(server.isReached());
  CHECK(n >= 0);
}

}  // namespace
