#include <portpool/gtest.hpp>

int main(int argc, char** argv) {
  if (!portpool::isolateIfRequested()) return 1;
  ::testing::InitGoogleTest(&argc, argv);
  portpool::gtest::install();
  return RUN_ALL_TESTS();
}
