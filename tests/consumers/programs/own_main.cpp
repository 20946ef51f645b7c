#include <portpool/gtest.hpp>

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  portpool::gtest::install();
  return RUN_ALL_TESTS();
}
