#include "answers.hpp"
#include "cross_process/fork.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <portpool/portpool.hpp>

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace portpool::test {
namespace {

using ::testing::ContainsRegex;

using WhoAmongUsers = AmongUsers;

TEST(Who, SaysThatNobodyUsesAPort) {
  // Any port may be taken between two moments: one of many is not.
  for (int i = 0;; ++i) {
    const auto port = std::to_string(TCPPortOwner().port());
    const auto result = runPortpool({"who", port});
    if (result.exitCode == 0 && i < 20) continue;
    EXPECT_EQ(result.exitCode, 1);
    EXPECT_EQ(result.output, "nobody uses port " + port + '\n');
    EXPECT_EQ(result.errors, "");
    break;
  }
}

TEST(Who, ShowsWhoLeasesAPort) {
  const TCPPortOwner owner;
  const auto port = std::to_string(owner.port());
  const auto result = runPortpool({"who", port});
  EXPECT_EQ(result.exitCode, 0);
  EXPECT_THAT(result.output, ContainsRegex("\n" + port + " +leases"));
  const auto answer = jsonOf(runPortpool({"who", port, "--json"}));
  EXPECT_EQ(answer["port"], owner.port());
  EXPECT_EQ(answer["users"][0]["pid"], ::getpid());
}

TEST(Who, ShowsServersAndConnections) {
  const auto users = usersOfPythonsPort("who",
                                        "server = socket.create_server(address)\n"
                                        "client = socket.create_connection(address)\n"
                                        "connection = server.accept()");
  ASSERT_EQ(users.size(), 3U) << users;
  EXPECT_EQ(users[0]["use"], "leases");
  EXPECT_EQ(users[1]["use"], "listens");
  EXPECT_EQ(users[2]["use"], "connection");
}

TEST(Who, ShowsWhatLingers) {
  const auto users = usersOfPythonsPort("who",
                                        "server = socket.create_server(address)\n"
                                        "client = socket.create_connection(address)\n"
                                        "connection = server.accept()[0]\n"
                                        "connection.shutdown(socket.SHUT_WR)\n"
                                        "client.recv(1)\n"
                                        "client.close()\n"
                                        "connection.recv(1)\n"
                                        "connection.close()\n"
                                        "server.close()");
  ASSERT_EQ(users.size(), 2U) << users;
  EXPECT_EQ(users[1]["use"], "lingers");
  EXPECT_EQ(users[1]["pid"], nullptr);
}

TEST_F(WhoAmongUsers, SaysThatNoSocketsAreShown) {
  EXPECT_TRUE(succeedsInChild([] {
    failCall(SYS_socket, 0, AF_NETLINK, EPERM);
    hideProc();
    const auto result = runPortpool({"who", "20000"});
    require(result.exitCode == 1 && result.output.empty(), "an answer");
    require(result.errors.find("is not known") != std::string::npos, result.errors.c_str());
  }));
}

TEST_F(WhoAmongUsers, DoesNotSayThatNobodyUsesAPortWithoutProc) {
  const TCPPortOwner owner;
  const auto port = std::to_string(owner.port());
  EXPECT_TRUE(succeedsInChild([&] {
    hideProc();
    for (const auto& arguments : {Arguments{"who", port}, Arguments{"who", "--json", port}}) {
      const auto result = runPortpool(arguments);
      require(result.exitCode == 1 && result.output.empty(), result.output.c_str());
      require(result.errors.find("who uses a port is not known") != std::string::npos,
              result.errors.c_str());
    }
  }));
}

TEST_F(WhoAmongUsers, SaysWhatItCannotSee) {
  TCPPortOwner held;
  const auto server = held.listen();
  const auto answer = jsonOf(
      runScript(kAsOtherUser + command_.path() + " who --json " + std::to_string(held.port())));
  const auto users = having(answer["users"], "use", "listens");
  ASSERT_EQ(users.size(), 1U) << answer;
  EXPECT_EQ(users[0]["pid"], nullptr);
  EXPECT_EQ(users[0]["user"], "root");
}

}  // namespace
}  // namespace portpool::test
