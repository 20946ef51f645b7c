// `portpool serve`, and clients of every kind.

#include "answers.hpp"
#include "port_server_process.hpp"

#include "support/temporary_file.hpp"
#include "unit/sanitizers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <portpool/portpool.hpp>

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace portpool::test {
namespace {

using ::testing::HasSubstr;

/// A server of ports that no other test takes, as long as there is no other server of them.
class Serve : public ::testing::Test {
 protected:
  const std::string address = newAddress();
  std::unique_ptr<PortServerProcess> server = serveAt(address);
};

TEST_F(Serve, LeasesThePortUntilItsProcessEnds) {
  for (const auto* suffix : {"\n", ""}) {
    Idler idler;
    const auto port = draw(address, idler.pid());
    ASSERT_NE(port, 0) << suffix;
    EXPECT_TRUE(isLeased(port));
    idler.kill();  // and not reaped
    awaitReturnOf(port);
  }
}

TEST_F(Serve, GivesAProcessAsManyAsItAsksFor) {
  std::set<std::uint16_t> ports;
  Idler one, other;
  for (int i = 0; i < 50; ++i) {
    ports.insert(draw(address, one.pid()));
    ports.insert(draw(address, other.pid()));
  }
  EXPECT_EQ(ports.size(), 100U);
  EXPECT_EQ(ports.count(0), 0U);
  one.kill();
  const auto next = draw(address, other.pid());
  EXPECT_TRUE(isLeased(next));
}

TEST_F(Serve, GivesConsecutivePorts) {
  Idler idler;
  const auto first = portsIn(ask(address, std::to_string(idler.pid()) + " 3\n"));
  ASSERT_EQ(first.size(), 1U);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(isLeased(static_cast<std::uint16_t>(first[0] + i)));
}

TEST_F(Serve, GivesASetOfPorts) {
  Idler idler;
  const auto ports = portsIn(ask(address, std::to_string(idler.pid()) + " 3 any\n"));
  ASSERT_EQ(ports.size(), 3U);
  for (const auto port : ports) EXPECT_TRUE(isLeased(port));
  EXPECT_EQ(ask(address, std::to_string(idler.pid()) + " 1001 any\n"), "");
}

TEST_F(Serve, TellsWhatItIs) { EXPECT_EQ(ask(address, "0\n"), "portpool\n"); }

TEST_F(Serve, RefusesWhatItDoesNotUnderstand) {
  for (const auto& request :
       {std::string("x\n"), std::string("-1\n"), std::string("1.5\n"), std::string("\n"),
        std::string("99999999999\n"), std::string("1 1 1\n"), std::string("1 x\n"),
        std::to_string(::getpid()) + " 0\n", std::to_string(::getpid()) + " 70000\n",
        std::string(31, '1') + '\n', std::string(32, '1'), std::string(100000, 'x')}) {
    EXPECT_EQ(ask(address, request), "") << request.substr(0, 100);
  }
  EXPECT_NE(draw(address, ::getpid()), 0);
  EXPECT_EQ(server->end(SIGTERM), 0);
  EXPECT_THAT(server->said(), HasSubstr("is not understood; send a pid and a line end"));
}

TEST_F(Serve, RefusesAProcessThatHasEnded) {
  pid_t pid = 0;
  {
    const Idler idler;
    pid = idler.pid();
  }
  EXPECT_EQ(draw(address, pid), 0);
  Idler zombie;
  EXPECT_NE(draw(address, zombie.pid()), 0);
  zombie.kill();
  // Until the system has ended it, it gets ports, which are taken back.
  while (draw(address, zombie.pid()) != 0) {
  }
  EXPECT_EQ(server->end(SIGTERM), 0);
  EXPECT_THAT(server->said(), HasSubstr("which has ended or does not belong to user"));
}

TEST_F(Serve, DoesNotWaitForTheSilent) {
  constexpr int kMore = 1100;  // than the server has connections for
  std::vector<Idler> idlers(1);
  // By python3, whose process may have as many descriptors.
  const auto result = runProcess(
      "/usr/bin/env", {"python3", "-c",
                       "import os, resource, socket, sys\n"
                       "hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]\n"
                       "resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))\n"
                       "def connect():\n"
                       "  client = socket.socket(socket.AF_UNIX)\n"
                       "  client.connect('\\0' + sys.argv[1][1:])\n"
                       "  return client\n"
                       "silent = [connect() for i in range(min(int(sys.argv[2]), hard - 20))]\n"
                       "silent[-1].send(b'%d' % os.getpid())\n"
                       "client = connect()\n"
                       "client.send(b'%d\\n' % os.getpid())\n"
                       "print(int(client.recv(100)))\n"
                       "print(sum(len(each.recv(1)) for each in silent))\n",
                       address, std::to_string(kMore)});
  const auto numbers = portsIn(result.output);
  ASSERT_EQ(numbers.size(), 2U) << result.output << result.errors;
  EXPECT_NE(numbers[0], 0);
  EXPECT_EQ(numbers[1], 0);  // each is closed without an answer
}

TEST_F(Serve, OutlivesItsMemory) {
  if (kHasAddressSanitizer || kHasThreadSanitizer) {
    GTEST_SKIP() << "NOT TESTED: sanitizers end a process that has no memory";
  }
  const Idler idler;
  const auto request = std::to_string(idler.pid()) + " 100 any\n";
  const auto first = portsIn(ask(address, request));
  ASSERT_EQ(first.size(), 100U);
  const rlimit none{1, RLIM_INFINITY}, all{RLIM_INFINITY, RLIM_INFINITY};
  ASSERT_EQ(::prlimit(server->pid(), RLIMIT_DATA, &none, nullptr), 0);
  while (portsIn(ask(address, request)).size() == 100) {
  }
  ASSERT_EQ(::prlimit(server->pid(), RLIMIT_DATA, &all, nullptr), 0);
  EXPECT_EQ(ask(address, "0\n"), "portpool\n");
  EXPECT_EQ(portsIn(ask(address, request)).size(), 100U);
  EXPECT_TRUE(isLeased(first.front()));
  EXPECT_EQ(server->end(SIGTERM), 0);
  EXPECT_THAT(server->said(), HasSubstr("a request is given up; allow the server more memory"));
}

// ---- Users --------------------------------------------------------------------------------------

/// What the server answers to this process as another user.
std::string askAsNobody(const std::string& address, const std::string& request) {
  constexpr uid_t kNobody = 65534;
  if (::seteuid(kNobody) != 0) return "seteuid fails";
  const auto answer = ask(address, request);
  return ::seteuid(0) == 0 ? answer : "seteuid fails";
}

class ServeUsers : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can be another user";
  }
};

TEST_F(ServeUsers, OthersAreRefused) {
  const auto address = newAddress();
  const auto server = serveAt(address);
  EXPECT_EQ(askAsNobody(address, std::to_string(::getpid()) + '\n'), "");
  EXPECT_EQ(askAsNobody(address, "0\n"), "");
  EXPECT_NE(draw(address, ::getpid()), 0);
  EXPECT_EQ(server->end(SIGTERM), 0);
  EXPECT_THAT(server->said(),
              HasSubstr("of user 65534 is refused; serve other users with --any-user"));
}

TEST_F(ServeUsers, OthersAreServedOnRequestForTheirOwnProcesses) {
  const TemporaryFile file;
  for (const auto& address : {newAddress(), file.path() + ".socket"}) {
    const auto server = serveAt(address, {"--any-user"});
    const Idler roots;
    EXPECT_EQ(askAsNobody(address, std::to_string(roots.pid()) + '\n'), "");
    const auto result =
        runProcess("/usr/bin/env", {"python3", "-c",
                                    "import os, socket, sys\n"
                                    "os.seteuid(65534)\n"
                                    "client = socket.socket(socket.AF_UNIX)\n"
                                    "client.connect(sys.argv[1].replace('@', '\\0'))\n"
                                    "client.send(b'%d\\n' % os.getpid())\n"
                                    "print(int(client.recv(100)))\n",
                                    address});
    EXPECT_EQ(portsIn(result.output).size(), 1U) << result.errors;
  }
}

TEST(ServeNamespaces, ProcessesOutsideOfTheServersAreRefused) {
  if (runScript("unshare --pid --fork --mount-proc true").exitCode != 0) {
    GTEST_SKIP() << "NOT TESTED: this user may have no pid namespace";
  }
  const auto address = newAddress();
  PortServerProcess server(
      "/usr/bin/env",
      {"unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c",
       std::string("sleep 1000 & exec ") + PORTPOOL_COMMAND + " serve --address " + address});
  EXPECT_EQ(ask(address, "2\n"), "");  // the sleep, and nobody that is known here
  EXPECT_EQ(ask(address, std::to_string(::getpid()) + '\n'), "");
  server.end(SIGKILL);
  EXPECT_THAT(server.said(), HasSubstr("a process of another pid namespace is refused"));
}

// ---- The server's life --------------------------------------------------------------------------

TEST(ServeAddress, IsGivenUpAtTheEnd) {
  const TemporaryFile file;
  const auto path = file.path() + ".socket";
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
    const auto server = serveAt(path);
    EXPECT_TRUE(std::filesystem::is_socket(path));
    EXPECT_EQ(server->end(signal), 0);
    EXPECT_FALSE(std::filesystem::exists(path));
  }
}

TEST(ServeAddress, ThatAServerLeftBehindIsTaken) {
  const TemporaryFile file;
  const auto path = file.path() + ".socket";
  EXPECT_EQ(serveAt(path)->end(SIGKILL), 128 + SIGKILL);
  EXPECT_TRUE(std::filesystem::is_socket(path));
  const auto server = serveAt(path);
  EXPECT_EQ(ask(path, "0\n"), "portpool\n");
}

TEST(ServeAddress, IsGivenUpIfThereAreNoThreads) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be another user";
  const PublicCommand command;
  const auto result =
      runScript("folder=$(mktemp -d); chmod 777 $folder; " + std::string(kAsOtherUser) +
                "prlimit --nproc=1:1 " + command.path() +
                " serve --address $folder/socket; echo $?; "
                "ls $folder; rm -r $folder");
  EXPECT_EQ(result.output, "1\n");
  EXPECT_THAT(result.errors, HasSubstr("cannot start the threads that serve"));
  EXPECT_THAT(result.errors, HasSubstr("ulimit -u"));
}

TEST(ServeAddress, OfAnotherServerIsLeftToIt) {
  const TemporaryFile file;
  const auto path = file.path() + ".socket";
  const auto one = serveAt(path);
  std::filesystem::remove(path);
  const auto other = serveAt(path);
  EXPECT_EQ(one->end(SIGTERM), 0);
  EXPECT_EQ(ask(path, "0\n"), "portpool\n");
}

TEST(ServeAddress, IsGivenUpIfNobodyCanBeToldThatItIsReady) {
  const auto result =
      runScript("portpool serve --address " + newAddress() + " > /dev/full; echo $?");
  EXPECT_EQ(result.output, "1\n");
  EXPECT_THAT(result.errors, HasSubstr("stdout"));
}

TEST(ServeSignals, ThatAreIgnoredEndNoServer) {
  const auto result = runScript(
      "fifo=$(mktemp -u); mkfifo $fifo; trap '' HUP; portpool serve --address " + newAddress() +
      " > $fifo & read line < $fifo; rm $fifo; kill -HUP $!; kill -TERM $!; wait $!; echo $?");
  EXPECT_EQ(result.output, "0\n") << result.errors;
}

TEST(ServeSignals, ThatNobodyReadsItsMessagesEndsNoServer) {
  const auto address = newAddress();
  // The reader leaves the pipe before it passes the line on.
  const std::string script =
      "fifo=$(mktemp -u); mkfifo $fifo; { read line; exec <&-; rm $fifo; echo $line; } < $fifo & "
      "exec " PORTPOOL_COMMAND " serve --address " +
      address + " > $fifo 2>&1";
  const PortServerProcess server("/bin/sh", {"-c", script});
  EXPECT_EQ(ask(address, "x\n"), "");
  EXPECT_EQ(ask(address, "0\n"), "portpool\n");
}

TEST(ServeAddress, InUseIsAnError) {
  const TemporaryFile file;  // which is no socket
  const auto path = file.path() + ".socket", name = newAddress();
  const auto one = serveAt(path), other = serveAt(name);
  for (const auto& address : {path, name, file.path()}) {
    const auto result = runPortpool({"serve", "--address", address});
    EXPECT_EQ(result.exitCode, 1);
    EXPECT_EQ(result.output, "");
    EXPECT_THAT(result.errors, HasSubstr("the address " + address + " is in use; stop the server"));
  }
  EXPECT_EQ(ask(path, "0\n"), "portpool\n");
  EXPECT_TRUE(std::filesystem::is_regular_file(file.path()));
}

TEST(ServeAddress, ThatIsNoneIsAnError) {
  for (const auto& address : {std::string(), std::string("@"), "@" + std::string(200, 'x')}) {
    const auto result = runPortpool({"serve", "--address", address});
    EXPECT_EQ(result.exitCode, 2) << address;
    EXPECT_THAT(result.errors, HasSubstr("is not an address; give @NAME or a path")) << address;
  }
}

TEST(ServeDescriptors, ThatAreTooFewAreAnErrorThatSaysSo) {
  if (kHasAddressSanitizer) GTEST_SKIP() << "NOT TESTED: AddressSanitizer needs descriptors";
  const auto address = newAddress();
  int failed = 0;
  for (int limit = 4;; ++limit) {
    const auto script = "ulimit -n " + std::to_string(limit) +
                        "; exec " PORTPOOL_COMMAND " serve --address " + address;
    try {
      const PortServerProcess server("/usr/bin/env", {"sh", "-c", script});
      break;
    } catch (const std::runtime_error& error) {
      ASSERT_LT(limit, 100) << error.what();
      const std::string text = error.what();
      if (text.find(": portpool: ") == std::string::npos) continue;  // its libraries are not loaded
      ++failed;
      EXPECT_THAT(text, HasSubstr(": Too many open files; raise the limit")) << limit;
    }
  }
  EXPECT_GE(failed, 3);
}

TEST(ServePorts, AreThoseOfTheOptionOrOfTheEnvironment) {
  // Of which browsers refuse to open 6000. No port is taken.
  const Arguments serve{"PORTPOOL_PORTS=20000-20001,6000", PORTPOOL_COMMAND, "serve", "--address",
                        newAddress()};
  EXPECT_THAT(PortServerProcess("/usr/bin/env", serve).said(),
              HasSubstr("serving 2 ports on " + serve.back()));
  auto withOption = serve;
  for (const auto* word : {"--ports", "20000-20002,6000"}) withOption.emplace_back(word);
  EXPECT_THAT(PortServerProcess("/usr/bin/env", withOption).said(), HasSubstr("serving 3 ports"));
  withOption.back() = "20000";
  EXPECT_THAT(PortServerProcess("/usr/bin/env", withOption).said(), HasSubstr("serving 1 port on"));
  EXPECT_EQ(runPortpool({"serve", "--ports", "6000"}).exitCode, 1);
}

/// The ports that the server gives, to the process, until it has none left.
PortSet drawAll(const std::string& address, pid_t pid) {
  PortSet ports;
  while (const auto port = draw(address, pid)) ports.insert(port);
  return ports;
}

TEST(ServePorts, AreAllGivenAgain) {
  auto block = PortPool(getServerTCPPorts()).allocateBlock(5);
  const PortSet ports{{block.front().port(), block.back().port()}};
  block.clear();
  const auto address = newAddress();
  const auto server = serveAt(address, {"--ports", ports.toString()});
  for (int round = 0; round < 20; ++round) {
    // Other tests may lease one of the ports for a moment, and the last holder may be ending.
    const Idler holder;
    PortSet drawn;
    while (drawn != ports) drawn |= drawAll(address, holder.pid());
    EXPECT_EQ(draw(address, ::getpid()), 0);
  }
  EXPECT_EQ(server->end(SIGTERM), 0);
  EXPECT_THAT(server->said(), HasSubstr("serve more ports (--ports)"));
}

}  // namespace
}  // namespace portpool::test
