// A program with a main and an environment of its own, as a user writes them.

#include "subject.hpp"

#include <portpool/gtest.hpp>

#include <memory>

namespace {

class RunLevel : public ::testing::Environment {
 public:
  void SetUp() override {
    server = std::make_unique<NotedServer>(portpool::getNextAvailableTCPPort());
  }
  void TearDown() override {
    server.reset();
    note("run ends", portpool::getNextAvailableTCPPort());
  }
  std::unique_ptr<NotedServer> server;
};

RunLevel* runLevel = nullptr;

void use() {
  const Bracket test("test");
  NotedServer own(portpool::getNextAvailableTCPPort());
  note("in run", runLevel->server->port());
  EXPECT_TRUE(runLevel->server->isReached());
  EXPECT_TRUE(own.isReached());
}

TEST(Run, First) { use(); }
TEST(Run, Second) { use(); }
TEST(OtherSuite, Third) { use(); }

}  // namespace

int main(int argc, char** argv) {
  runLevel = new RunLevel;
  ::testing::AddGlobalTestEnvironment(runLevel);
  portpool::gtest::install();
  ::testing::InitGoogleTest(&argc, argv);
  portpool::gtest::install();
  const int exitCode = RUN_ALL_TESTS();
  note("after the run");
  return exitCode;
}
