#include <portpool/gtest.hpp>

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  if (!GTEST_FLAG_GET(list_tests) && !portpool::isolateIfRequested()) return 1;
  return RUN_ALL_TESTS();
}
