// Programs of both frameworks under ctest.

#include "transcript.hpp"

#include <gtest/gtest.h>

namespace {

Run runParallelTests(const Variables& variables) {
  return runSubject(CTEST, {"--test-dir", PARALLEL_TESTS, "-j16", "--output-on-failure"},
                    variables);
}

TEST(CTest, RunsBothFrameworksSideBySide) {
  const auto ctest = runParallelTests({});
  EXPECT_EQ(ctest.exitCode, 0);
  EXPECT_TRUE(contains(ctest.output, "100% tests passed, 0 tests failed out of 60"))
      << ctest.output;
}

TEST(CTest, FailsEveryTestWhenThePoolCannotBeBuilt) {
  const auto ctest = runParallelTests(kBadPorts);
  EXPECT_NE(ctest.exitCode, 0);
  EXPECT_TRUE(contains(ctest.output, "0% tests passed, 60 tests failed out of 60")) << ctest.output;
  EXPECT_TRUE(contains(ctest.output, kBadPortsMessage)) << ctest.output;
}

}  // namespace
