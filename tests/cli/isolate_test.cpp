#include "answers.hpp"

#include "support/token_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <portpool/portpool.hpp>

#include <unistd.h>

#include <csignal>
#include <string>

namespace portpool::test {
namespace {

using ::testing::HasSubstr;

class IsolateCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto result = runPortpool({"isolate", "--", "true"});
    if (result.exitCode != 0) GTEST_SKIP() << result.errors;
  }
};

TEST_F(IsolateCommand, GivesEveryCommandThePortsOfAll) {
  const TCPPortOwner owner;
  const TokenServer server(owner.port());
  const auto port = std::to_string(owner.port());
  for (int i = 0; i < 2; ++i) {
    const auto result = runPortpool({"isolate", "--", "python3", "-c",
                                     "import socket\n"
                                     "server = socket.create_server(('127.0.0.1', " +
                                         port +
                                         "))\n"
                                         "client = socket.create_connection(('127.0.0.1', " +
                                         port +
                                         "))\n"
                                         "server.accept()\n"});
    EXPECT_EQ(result.exitCode, 0) << result.errors;
  }
  EXPECT_TRUE(server.isReached());
}

// A client of the server would be given ports of the network outside.
TEST_F(IsolateCommand, LeavesThePortServerOutside) {
  const auto result = runPortpool({"isolate", "--", "sh", "-c", "echo ${PORTSERVER_ADDRESS-none}"},
                                  {{"PORTSERVER_ADDRESS", "@portserver"}});
  EXPECT_EQ(result.output, "none\n") << result.errors;
}

TEST_F(IsolateCommand, KeepsTheUser) {
  EXPECT_EQ(runPortpool({"isolate", "--", "id", "-u"}).output, runScript("id -u").output);
}

TEST_F(IsolateCommand, IsolatesAnEffectiveUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be two users: run this test as root";
  const PublicCommand command;
  const auto result = runScript(std::string("setpriv --euid=") + kOtherUser + ' ' + command.path() +
                                " isolate -- readlink /proc/self/ns/net");
  EXPECT_EQ(result.exitCode, 0) << result.errors;
  EXPECT_NE(result.output, runScript("readlink /proc/self/ns/net").output);
}

TEST_F(IsolateCommand, HasTheExitStatusOfItsCommand) {
  EXPECT_EQ(runPortpool({"isolate", "--", "sh", "-c", "exit 77"}).exitCode, 77);
  EXPECT_EQ(runPortpool({"isolate", "--", "sh", "-c", "kill -TERM $$"}).exitCode, 128 + SIGTERM);
  EXPECT_EQ(runPortpool({"isolate", "--", "/nonexistent"}).exitCode, 127);
}

TEST_F(IsolateCommand, IsItsCommand) {
  // So that a signal to the one is a signal to the other, whichever it is.
  const auto result = runScript("portpool isolate -- sh -c 'echo $$' & echo $!; wait");
  std::istringstream words(result.output);
  int one = 0, other = 1;
  words >> one >> other;
  EXPECT_EQ(one, other);
}

TEST_F(IsolateCommand, LeavesNoChildToIsolateItselfAgain) {
  const auto result = runPortpool({"isolate", "--", "sh", "-c", "echo [$PORTPOOL_ISOLATE]"},
                                  {{"PORTPOOL_ISOLATE", "1"}});
  EXPECT_EQ(result.output, "[]\n");
}

TEST(IsolateCommandLine, LetsTestsBeListedInTheOuterNetwork) {
  const auto own = runScript("readlink /proc/self/ns/net").output;
  for (const std::string list : {"--gtest_list_tests", "--list-tests", "--list-test-names-only"}) {
    const auto result =
        runPortpool({"isolate", "--", "sh", "-c", "readlink /proc/self/ns/net", "sh", list});
    EXPECT_EQ(result.output, own);
  }
}

TEST(IsolateCommandLine, IsolatesWhatListsNoTests) {
  const auto own = runScript("readlink /proc/self/ns/net").output;
  for (const std::string word : {"--list-size=5", "--gtest_list_tests=0", "--list-tests-of"}) {
    const auto result =
        runPortpool({"isolate", "--", "sh", "-c", "readlink /proc/self/ns/net", "sh", word});
    EXPECT_NE(result.output, own) << word;  // or refused
  }
}

TEST(IsolateCommandLine, HelpSaysWhatIsStillReached) {
  EXPECT_THAT(runPortpool({"isolate", "--help"}).output, HasSubstr("can still reach files"));
}

}  // namespace
}  // namespace portpool::test
