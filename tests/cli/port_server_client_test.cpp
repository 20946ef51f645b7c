// A C++ test as a client of a port server: of `portpool serve`, and of Debian's portserver as it
// is.

#include "port_server_process.hpp"

#include "support/temporary_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <portpool/portpool.hpp>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <set>
#include <string>

namespace portpool::test {
namespace {

using ::testing::HasSubstr;

constexpr const char* kPortserver = "/usr/bin/portserver";

bool hasPortserver() { return std::filesystem::exists(kPortserver); }

enum class Kind { Portpool, Portserver };

class DrawingFrom : public ::testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    if (GetParam() == Kind::Portserver && !hasPortserver()) {
      GTEST_SKIP() << "NOT TESTED with portserver: install python3-portpicker";
    }
  }

  void serve(const PortSet& ports) {
    const auto range = ports.ranges().front();
    server_ = GetParam() == Kind::Portpool
                  ? serveAt(address, {"--ports", ports.toString()})
                  : std::make_unique<PortServerProcess>(
                        kPortserver,
                        Arguments{"--portserver_address", address, "--portserver_static_pool",
                                  std::to_string(range.first) + '-' + std::to_string(range.last)});
  }

  /// Consecutive ports that were free a moment ago.
  static PortSet freePorts(std::size_t count) {
    const auto block = PortPool(getServerTCPPorts()).allocateBlock(count);
    return {{block.front().port(), block.back().port()}};
  }

  ProcessResult drawPorts(const Arguments& steps, Variables variables = {}) const {
    variables["PORTSERVER_ADDRESS"] = address;
    return runProcess(DRAW_PORTS, steps, variables);
  }

  const std::string address = newAddress();

 private:
  std::unique_ptr<PortServerProcess> server_;
};

INSTANTIATE_TEST_SUITE_P(Both, DrawingFrom, ::testing::Values(Kind::Portpool, Kind::Portserver),
                         [](const auto& kind) {
                           return kind.param == Kind::Portpool ? "Portpool" : "Portserver";
                         });

TEST_P(DrawingFrom, GivesThePortsOfTheProcess) {
  const auto ports = freePorts(200);
  serve(ports);
  const auto result = drawPorts({"take", "take", "take"});
  const auto drawn = portsIn(result.output);
  ASSERT_EQ(drawn.size(), 3U) << result.output << result.errors;
  EXPECT_EQ(std::set<std::uint16_t>(drawn.begin(), drawn.end()).size(), 3U);
  for (const auto port : drawn) {
    EXPECT_TRUE(ports.contains(port));
    awaitReturnOf(port);
  }
}

TEST_P(DrawingFrom, GivesPortsThatAreLeased) {
  serve(freePorts(200));
  const auto result = runPortpool({"exec", "--", "sh", "-c",
                                   std::string("PORTPOOL_PORTS=$PORT PORTPOOL_WAIT_SECONDS=0 ") +
                                       PORTPOOL_COMMAND + " get; echo $? $PORT"},
                                  {{"PORTSERVER_ADDRESS", address}});
  const auto numbers = portsIn(result.output);
  ASSERT_EQ(numbers.size(), 2U) << result.output << result.errors;
  EXPECT_EQ(numbers[0], 1);
}

TEST_P(DrawingFrom, IsAskedAgainOnlyIfNoDrawnPortIsFree) {
  serve(freePorts(200));
  const auto result = drawPorts({"take", "take", "return", "return", "take", "take", "take"});
  const auto drawn = portsIn(result.output);
  ASSERT_EQ(drawn.size(), 5U) << result.output << result.errors;
  EXPECT_EQ(std::set<std::uint16_t>(drawn.begin(), drawn.end()).size(), 3U);
}

TEST_P(DrawingFrom, GivesAForkedChildItsOwn) {
  serve(freePorts(200));
  const auto result = drawPorts({"take", "take", "return", "fork", "take", "take"});
  const auto drawn = portsIn(result.output);
  ASSERT_EQ(drawn.size(), 4U) << result.output << result.errors;
  EXPECT_EQ(std::set<std::uint16_t>(drawn.begin(), drawn.end()).size(), 4U);
}

// Its ports are not those of the new network.
TEST_P(DrawingFrom, IsInTheWayOfIsolation) {
  serve(freePorts(1));
  EXPECT_THAT(drawPorts({"take", "return", "isolate"}).errors,
              HasSubstr("cannot isolate this process: the pool that it has built draws from"));
}

TEST_P(DrawingFrom, GivesConsecutivePorts) {
  serve(freePorts(200));
  const auto result =
      runPortpool({"exec", "-n", "4", "--block", "--", "echo", "{port0}", "{port3}"},
                  {{"PORTSERVER_ADDRESS", address}});
  const auto numbers = portsIn(result.output);
  ASSERT_EQ(numbers.size(), 2U) << result.output << result.errors;
  EXPECT_EQ(numbers[1], numbers[0] + 3);
}

TEST_P(DrawingFrom, SaysThatItHasNoMore) {
  const auto ports = freePorts(1);
  serve(ports);
  // Whoever has the port for a moment: nobody gets two.
  const auto result = drawPorts({"take", "take"}, {{"PORTPOOL_WAIT_SECONDS", "0"}});
  EXPECT_THAT(result.errors, HasSubstr("no TCP port became free in 0 s; the port server at \"" +
                                       address + "\" (PORTSERVER_ADDRESS) gives this process no"));
}

TEST_P(DrawingFrom, IsNotAskedIfPortsAreSet) {
  serve(freePorts(1));
  const TCPPortOwner owner;
  for (const auto* variable : {"PORTPOOL_PORTS", "PYSYS_PORTS"}) {
    const auto result = drawPorts(
        {"take"}, {{variable, std::to_string(owner.port())}, {"PORTPOOL_WAIT_SECONDS", "0"}});
    EXPECT_EQ(result.output, "");
    EXPECT_THAT(result.errors, HasSubstr("the only port of the pool"));
  }
}

TEST(PortserverAlone, LeavesPortsThatPortpoolLeases) {
  if (!hasPortserver()) {
    GTEST_SKIP() << "NOT TESTED with portserver: install python3-portpicker";
  }
  auto owners = PortPool(getServerTCPPorts()).allocateBlock(10);
  const PortSet ports{{owners.front().port(), owners.back().port()}};
  owners.erase(owners.begin());  // the one that is free
  const auto address = newAddress();
  const PortServerProcess server(
      kPortserver, {"--portserver_address", address, "--portserver_static_pool", ports.toString()});
  const auto result = runProcess(DRAW_PORTS, {"take"}, {{"PORTSERVER_ADDRESS", address}});
  EXPECT_EQ(result.output, std::to_string(*ports.begin()) + '\n') << result.errors;
}

// ---- No server ----------------------------------------------------------------------------------

TEST(NoPortServer, IsAnError) {
  const TemporaryFile file;
  const auto path = file.path() + ".socket";
  serveAt(path)->end(SIGKILL);
  for (const auto& address :
       {newAddress(), file.path(), path, std::string("/nonexistent"), std::string(200, 'x')}) {
    const auto result = runProcess(DRAW_PORTS, {"take"}, {{"PORTSERVER_ADDRESS", address}});
    EXPECT_EQ(result.exitCode, 1);
    EXPECT_EQ(result.output, "");
    EXPECT_THAT(result.errors,
                HasSubstr("PortServerError: the port server at \"" + address.substr(0, 50)));
    EXPECT_THAT(result.errors, HasSubstr("does not answer ("));
    EXPECT_THAT(result.errors, HasSubstr("start it (portpool serve, or portserver), name another"));
  }
}

/// Runs a server in Python, with `connection` after each accept.
ProcessResult drawFrom(const std::string& connection, const std::string& seconds = "0") {
  const auto address = newAddress();
  const PortServerProcess server("/usr/bin/env", {"python3", "-uc",
                                                  "import socket, sys, time\n"
                                                  "server = socket.socket(socket.AF_UNIX)\n"
                                                  "server.bind('\\0' + sys.argv[1][1:])\n"
                                                  "server.listen(8)\n"
                                                  "print('serving ')\n"
                                                  "kept = []\n"
                                                  "while True:\n"
                                                  "  connection, _ = server.accept()\n"
                                                  "  " +
                                                      connection + "\n",
                                                  address});
  return runProcess(DRAW_PORTS, {"take"},
                    {{"PORTSERVER_ADDRESS", address}, {"PORTPOOL_WAIT_SECONDS", seconds}});
}

/// A line for drawFrom that answers, after so many seconds, with this port.
std::string answerWith(std::uint16_t port, const std::string& seconds = "0") {
  return "connection.recv(100) == b'0\\n' or time.sleep(" + seconds + ") or connection.sendall(b'" +
         std::to_string(port) + "\\n'); connection.close()";
}

TEST(SlowPortServer, KeepsNobodyLongerThanTheTimeToWait) {
  const TCPPortOwner taken;
  const auto begin = std::chrono::steady_clock::now();
  // All of the answers that are asked for otherwise take more than five minutes.
  const auto result = drawFrom(answerWith(taken.port(), "1"), "1");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(60));
  EXPECT_EQ(result.output, "");
  EXPECT_THAT(result.errors, HasSubstr("no TCP port became free in 1 s"));
}

TEST(PortServer, WhosePortBrowsersRefuseIsAskedForAnother) {
  const auto result = drawFrom(answerWith(*excludedTCPPorts().begin()));
  EXPECT_EQ(result.output, "");
  EXPECT_THAT(result.errors, HasSubstr("no TCP port became free"));
}

TEST(NoPortServer, IsOneThatIsSilent) {
  EXPECT_THAT(drawFrom("kept.append(connection)").errors,
              HasSubstr("does not answer (Connection timed out)"));
}

TEST(NoPortServer, IsOneThatAnswersSomethingElse) {
  EXPECT_THAT(drawFrom("connection.sendall(b'Hello\\n')").errors,
              HasSubstr("answers \"Hello\", which is not a port; name a portserver"));
}

TEST(NoPortServer, IsOneThatCloses) {
  EXPECT_THAT(drawFrom("connection.close()").errors, HasSubstr("gives this process no other port"));
}

}  // namespace
}  // namespace portpool::test
