// The tests in C++ with Catch2.

#include "../catch2_templates.hpp"

extern "C" {
#include "talk.h"
}

TEMPLATE_TEST_CASE_SIG("a server talks to itself", "", ((int Number), Number), 0, 1, 2, 3, 4, 5, 6,
                       7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23) {
  CHECK(talkToItself(portpool::getNextAvailableTCPPort()) == 0);
}
