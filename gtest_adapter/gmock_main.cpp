#include <gmock/gmock.h>

#include <portpool/gtest.hpp>

int main(int argc, char** argv) {
  ::testing::InitGoogleMock(&argc, argv);
  portpool::gtest::install();
  return RUN_ALL_TESTS();
}
