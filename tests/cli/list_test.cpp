#include "answers.hpp"
#include "cross_process/fork.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <portpool/portpool.hpp>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace portpool::test {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

Json listed(std::uint16_t port) { return usersIn(jsonOf(runPortpool({"list", "--json"})), port); }

TEST(List, ShowsWhoLeasesAPort) {
  const TCPPortOwner owner;
  const auto users = listed(owner.port());
  ASSERT_EQ(users.size(), 1U) << users;
  EXPECT_EQ(users[0]["use"], "leases");
  EXPECT_EQ(users[0]["pid"], ::getpid());
  EXPECT_EQ(users[0]["user"].get<std::string>() + '\n', runScript("id -un").output);
  EXPECT_THAT(users[0]["command"].get<std::string>(), HasSubstr("cli_test"));
}

TEST(List, IsATable) {
  const TCPPortOwner owner;
  const auto text = runPortpool({"list"}).output;
  EXPECT_THAT(text, ContainsRegex("^PORT +USE"));
  EXPECT_THAT(text, ContainsRegex("\n" + std::to_string(owner.port()) + " +leases +" +
                                  std::to_string(::getpid()) + " +[a-z0-9]+ +[^ ]*cli_test"));
}

TEST(List, DoesNotShowWhatIsReturned) {
  TCPPortOwner owner;
  const auto port = owner.port();
  auto users = listed(port);
  EXPECT_EQ(users.size(), 1U) << users;
  owner.cleanup();
  users = listed(port);
  EXPECT_TRUE(users.empty() || users[0]["pid"] != ::getpid()) << users;
}

TEST(List, ShowsTheTestOfALongCommandLine) {
  const auto filter = "--gtest_filter=Suite." + std::string(200, 'x') + ".Test";
  const std::string script = PORTPOOL_COMMAND " list";
  const auto result = runPortpool({"exec", "--", "sh", "-c", script, "sh", filter});
  EXPECT_THAT(result.output, HasSubstr(filter));
}

TEST(List, ShowsALongCommandLineWholeInJSON) {
  const auto word = std::string(5000, 'x');
  const auto run = [&](const std::string& options) {
    const auto script = std::string(PORTPOOL_COMMAND " list ") + options;
    return runPortpool({"exec", "--", "sh", "-c", script, "sh", word}).output;
  };
  EXPECT_THAT(run(""), AllOf(HasSubstr("xxx...\n"), Not(HasSubstr(word))));
  EXPECT_THAT(run("--json"), HasSubstr(word + '"'));
}

TEST(List, SaysWhereItCutsALongCommandLine) {
  const std::string script = PORTPOOL_COMMAND " list --json";
  const auto word = std::string(20000, 'x');
  const auto result = runPortpool({"exec", "--", "sh", "-c", script, "sh", word});
  EXPECT_THAT(result.output, AllOf(HasSubstr(std::string(16000, 'x')), HasSubstr("xxx...\""),
                                   Not(HasSubstr(std::string(16385, 'x')))));
  EXPECT_THAT(runPortpool({"list", "--help"}).output, HasSubstr("in JSON after 16 KiB"));
}

TEST(List, TakesNoPathForALease) {
  TCPPortOwner owner;
  const auto mark = "@portpool/" + std::to_string(owner.port()) + '.';
  std::string name;
  std::ifstream table("/proc/net/unix");
  for (std::string word; table >> word;) {
    if (word.rfind(mark, 0) == 0) name = word;
  }
  ASSERT_NE(name, "");
  const auto port = owner.port();
  owner.cleanup();
  auto folder = (std::filesystem::temp_directory_path() / "portpool_XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto path = folder + "/x" + name;
  std::filesystem::create_directory(folder + "/x@portpool");
  ASSERT_LT(path.size(), sizeof address.sun_path);
  path.copy(address.sun_path, path.size());
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  EXPECT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_TRUE(having(listed(port), "pid", ::getpid()).empty());
  ::close(socket);
  std::filesystem::remove_all(folder);
}

TEST(List, ShowsWhatListens) {
  const auto users = usersOfPythonsPort("list",
                                        "server = socket.create_server(address)\n"
                                        "udp = socket.socket(type=socket.SOCK_DGRAM)\n"
                                        "udp.bind(address)\n"
                                        "client = socket.create_connection(address)");
  ASSERT_EQ(users.size(), 3U) << users;  // and not the connection
  EXPECT_THAT(users[0]["command"].get<std::string>(), HasSubstr("portpool exec -- python3"));
  EXPECT_EQ(users[1]["transport"], "tcp");
  EXPECT_EQ(users[2]["transport"], "udp");
  EXPECT_THAT(users[1]["command"].get<std::string>(), HasSubstr("python3 -c"));
  EXPECT_NE(users[0]["pid"], users[1]["pid"]);
  EXPECT_EQ(users[1]["pid"], users[2]["pid"]);
}

TEST(List, ShowsPortsOfScripts) {
  // Whatever room there is: the words, and the variables, are more or less than what is shown.
  for (const std::string get :
       {"portpool get", "portpool get --for $$", "portpool get --for 0000000000000000000000000$$",
        "env -i PATH=\"$PATH\" $(command -v portpool) get --for $$"}) {
    const auto result = runScript("PORT=$(" + get + "); echo $PORT $$ >&2; portpool list --json");
    std::istringstream words(result.errors);
    std::uint16_t port = 0;
    std::string shell;
    words >> port >> shell;
    const auto users = usersIn(jsonOf(result), port);
    ASSERT_EQ(users.size(), 1U) << get << result.errors;
    EXPECT_THAT(users[0]["command"].get<std::string>(),
                ::testing::EndsWith("portpool get --for " + shell));
  }
}

using ListAmongUsers = AmongUsers;

TEST(List, TellsOfOtherNetworks) {
  if (!canIsolate()) GTEST_SKIP() << "NOT TESTED: there are no networks of one's own here";
  const auto result = runScript(
      "fifo=$(mktemp -u); mkfifo $fifo; "
      "portpool isolate -- portpool exec -n 3 -- sh -c 'echo > '$fifo'; exec sleep 1000' & "
      "read line < $fifo; portpool list --json; portpool list >&2; kill $!; wait; rm $fifo");
  EXPECT_GE(jsonOf(result)["leases_of_other_networks"], 3);
  EXPECT_THAT(result.errors, ContainsRegex("not listed: [0-9]+ leases of other networks"));
}

TEST(List, OfANewNetworkIsEmpty) {
  const auto result = runPortpool({"isolate", "--", PORTPOOL_COMMAND, "list"});
  if (result.exitCode != 0) GTEST_SKIP() << result.errors;
  EXPECT_THAT(result.output, StartsWith("no port is leased\n"));
}

TEST_F(ListAmongUsers, ShowsRootEverything) {
  const auto result = runScript("fifo=" + command_.path() + ".fifo; mkfifo -m 666 $fifo; " +
                                kAsOtherUser + command_.path() +
                                " exec -- sh -c 'echo $PORT > $0; exec sleep 1000' $fifo & "
                                "read port < $fifo; echo $port $! >&2; portpool list --json; "
                                "kill $!; wait");
  const auto numbers = portsIn(result.errors);
  ASSERT_GE(numbers.size(), 1U) << result.errors;
  const auto users = usersIn(jsonOf(result), numbers[0]);
  ASSERT_EQ(users.size(), 1U);
  EXPECT_EQ(users[0]["user"], kOtherUser);
  EXPECT_THAT(users[0]["command"].get<std::string>(), HasSubstr("portpool exec"));
}

TEST_F(ListAmongUsers, DoesNotSayThatNoPortIsLeasedWithoutProc) {
  const TCPPortOwner owner;
  EXPECT_TRUE(succeedsInChild([] {
    hideProc();
    for (const auto& arguments : {Arguments{"list"}, Arguments{"list", "--json"}}) {
      const auto result = runPortpool(arguments);
      require(result.exitCode == 1 && result.output.empty(), result.output.c_str());
      require(result.errors.find("which ports are leased is not known") != std::string::npos,
              result.errors.c_str());
    }
  }));
}

TEST_F(ListAmongUsers, SaysWhatItCannotSee) {
  const TCPPortOwner owner;
  const auto list = kAsOtherUser + command_.path() + " list";
  const auto answer = jsonOf(runScript(list + " --json"));
  const auto users = usersIn(answer, owner.port());
  ASSERT_EQ(users.size(), 1U) << answer;
  EXPECT_EQ(users[0]["use"], "leases");
  EXPECT_EQ(users[0]["pid"], nullptr);
  EXPECT_EQ(users[0]["command"], nullptr);
  EXPECT_EQ(users[0]["user"], "root");
  const auto result = runScript(list);
  EXPECT_EQ(result.exitCode, 0);
  EXPECT_THAT(result.output, AllOf(ContainsRegex(std::to_string(owner.port()) +
                                                 " +leases +\\? +root +\\(not shown\\)"),
                                   HasSubstr("may not inspect: run this as root")));
}

}  // namespace
}  // namespace portpool::test
