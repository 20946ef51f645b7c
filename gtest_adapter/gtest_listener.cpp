// Compiled into each program that links portpool::gtest, so that it works without another word.

#include <portpool/gtest.hpp>
