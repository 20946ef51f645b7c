#include <gmock/gmock.h>

#include <chrono>
#include <future>
#include <regex>
#include <string>
#include <thread>

#include <portpool/adapter.hpp>
#include <portpool/portpool.hpp>

#include "platform/process.hpp"
#include "surroundings.hpp"

namespace portpool::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::ThrowsMessage;

// Far beyond the time limit of a test: what should end by itself does not end by this.
struct Route {
  const char* name;
  const char* server;
  const char* host;
};

class WaitUntilListening : public ::testing::TestWithParam<Route> {
 protected:
  void SetUp() override {
    if (std::string(GetParam().server) == "::1" && !hasIPv6()) {
      GTEST_SKIP() << "this machine has no IPv6";
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Sockets, WaitUntilListening,
                         ::testing::Values(Route{"IPv4", "127.0.0.1", "127.0.0.1"},
                                           Route{"AnotherAddress", "127.0.0.2", "127.0.0.2"},
                                           Route{"EveryAddress", "0.0.0.0", "127.0.0.1"},
                                           Route{"Localhost", "127.0.0.1", "localhost"},
                                           Route{"NoHost", "127.0.0.1", ""},
                                           Route{"IPv6", "::1", "::1"},
                                           Route{"LocalhostByIPv6", "::1", "localhost"},
                                           Route{"NoHostByIPv6", "::1", ""}),
                         [](const auto& route) { return route.param.name; });

TEST_P(WaitUntilListening, ReturnsIfTheServerListensAlready) {
  const auto port = freshPort();
  const auto server = listenOn(port, GetParam().server);
  EXPECT_NO_THROW(waitUntilListening(port, GetParam().host, 0ms));
  EXPECT_NO_THROW(waitUntilListening(port, GetParam().host, kForEver, platform::pid()));
}

TEST_P(WaitUntilListening, ReturnsWhenTheServerStartsToListen) {
  const auto port = freshPort();
  const auto server = occupy(port, GetParam().server);
  auto waiter =
      std::async(std::launch::async, [&] { waitUntilListening(port, GetParam().host, kForEver); });
  // It does not return before; whether it has begun by now does not matter.
  EXPECT_EQ(waiter.wait_for(30ms), std::future_status::timeout);
  ASSERT_EQ(::listen(server.get(), 1), 0);
  EXPECT_NO_THROW(waiter.get());
}

TEST_P(WaitUntilListening, SaysHowLongItWaitedInVain) {
  const auto port = freshPort();
  const auto bound = occupy(port, GetParam().server);
  const auto start = std::chrono::steady_clock::now();
  try {
    waitUntilListening(port, GetParam().host, 50ms);
    FAIL() << "nothing listens";
  } catch (const NotListeningError& error) {
    const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - start);
    const std::string message = error.what();
    EXPECT_THAT(message, HasSubstr("nothing listens on port " + std::to_string(port) +
                                   " of host \"" + GetParam().host + "\" after "));
    std::smatch told;
    ASSERT_TRUE(std::regex_search(message, told, std::regex("after (\\d+) ms; "))) << message;
    EXPECT_GE(std::stol(told[1]), 50);
    EXPECT_LE(std::stol(told[1]), elapsed.count());
    EXPECT_THAT(message, Not(HasSubstr("pid")));
  }
}

TEST(WaitUntilListening, NamesThePort) {
  PortScope scope("a test");
  const auto block = getNamedTCPPortBlock("the servers", 2);
  {
    const PortScope within("a part of it");
    try {
      waitUntilListening(block.last, kHost, 0ms);
      FAIL() << "nothing listens";
    } catch (const NotListeningError& error) {
      EXPECT_THAT(error.what(), HasSubstr("nothing listens on port " + std::to_string(block.last) +
                                          " \"the servers\" of host "));
    }
  }
}

TEST(WaitUntilListening, TriesOnceThoughThereIsNoTime) {
  const auto port = freshPort();
  for (const auto timeout : {0ms, -1ms, std::chrono::milliseconds::min()}) {
    EXPECT_THROW(waitUntilListening(port, kHost, timeout), NotListeningError);
    const auto server = listenOn(port);
    EXPECT_NO_THROW(waitUntilListening(port, kHost, timeout));
  }
}

TEST(WaitUntilListening, MayTakeTheLongestTimeThereIs) {
  const auto port = freshPort();
  const auto server = occupy(port);
  auto waiter = std::async(std::launch::async, [&] {
    waitUntilListening(port, kHost, std::chrono::milliseconds::max());
  });
  EXPECT_EQ(waiter.wait_for(30ms), std::future_status::timeout);
  ASSERT_EQ(::listen(server.get(), 1), 0);
  EXPECT_NO_THROW(waiter.get());
}

TEST(WaitUntilListening, ForAHostThatDoesNotResolveIsAnErrorAtOnce) {
  EXPECT_THAT([] { waitUntilListening(freshPort(), "misspelt..localhost", kForEver); },
              ThrowsMessage<HostError>(HasSubstr("\"misspelt..localhost\"")));
}

// An ephemeral port that nobody listens on: a client may be given it for its own, and meet itself.
TEST(WaitUntilListening, IsNotFooledByItsOwnConnection) {
  checkInChild([] {
    if (!enterOwnNetwork()) throw Refused("the kernel refuses a network namespace");
    setEphemeralRange("20000 20000");
    ASSERT_EQ(connectTo(kHost, 20000), 0) << "clients do not meet themselves";
    EXPECT_THROW(waitUntilListening(20000, kHost, 10ms), NotListeningError);
  });
}

}  // namespace
}  // namespace portpool::test
