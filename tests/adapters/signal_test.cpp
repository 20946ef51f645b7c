// A program of Catch2, which has handlers of signals.

#include "transcript.hpp"

#include <gtest/gtest.h>

namespace {

TEST(Catch2Trouble, ASignalEndsTheProgramAtOnce) {
  const auto run = runSubject(CATCH2_SUBJECT, {"dies", "-r", "compact"});
  constexpr int kBySigterm = 128 + 15;
  EXPECT_EQ(run.exitCode, kBySigterm) << run.output;
  EXPECT_TRUE(contains(run.output, "SIGTERM")) << run.output;
}

}  // namespace
