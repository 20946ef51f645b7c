// Compiled into every program that links portpool::gtest, so that linking it is enough.

#include <portpool/gtest.hpp>
