#include <portpool/gtest.hpp>

#include <gmock/gmock.h>

int main(int argc, char** argv) {
  ::testing::InitGoogleMock(&argc, argv);
  if (!GTEST_FLAG_GET(list_tests) && !portpool::isolateIfRequested()) return 1;
  return RUN_ALL_TESTS();
}
