#include <gtest/gtest.h>

#ifndef OWN_GOOGLETEST
#error "this is not the project's own GoogleTest"
#endif
