// What the rest of a program does meanwhile.

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include <portpool/portpool.hpp>

#include "started_program.hpp"
#include "support/process.hpp"

namespace portpool::test {
namespace {

TEST(StaticObjects, MayUsePortsAfterMain) {
  const auto result = runProcess(LATE_USER, {});
  EXPECT_EQ(result.output, "in time\nlate\n");
  EXPECT_EQ(result.errors, "");
}

TEST(Threads, MayUsePortsWhileTheProcessExits) {
  for (int i = 0; i < 10; ++i) {
    const auto result = runProcess(LATE_USER, {"threads"});
    EXPECT_EQ(result.exitCode, 7) << result.errors;
    EXPECT_EQ(result.output, "in time\nlate\n");
  }
}

// They inherit what there is, such as the end of a pipe that netsh was to have alone, and keep it
// as long as they run.
TEST(EphemeralRange, IsReadWhileProgramsAreStarted) {
  constexpr int kMost = 40;
  std::vector<StartedProgram> programs;
  std::atomic<bool> isRead = false;
  std::thread starting([&] {
    while (!isRead && programs.size() < kMost)
      programs.emplace_back(PORT_TAKER, std::vector<std::string>{"1"});
  });
  for (int i = 0; i < 5; ++i) EXPECT_GT(getEphemeralTCPPortRange().last, 1024);
  isRead = true;
  starting.join();
}

}  // namespace
}  // namespace portpool::test
