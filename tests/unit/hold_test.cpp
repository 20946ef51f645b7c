// Ports that portpool keeps bound until their server binds them, or so that nobody can.

#include <gmock/gmock.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include <portpool/adapter.hpp>
#include <portpool/portpool.hpp>

#include "bind_log.hpp"
#include "fork.hpp"
#include "surroundings.hpp"

namespace portpool::test {
namespace {

using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr Reuse kEveryReuse[] = {Reuse::No, Reuse::Yes, Reuse::PortOnly, Reuse::AddressAndPort};

PortRequest held(Hold hold, std::vector<std::string> hosts = PortRequest().hosts,
                 AddressFamily family = AddressFamily::Any) {
  PortRequest request;
  request.hold = hold;
  request.hosts = std::move(hosts);
  request.family = family;
  return request;
}

std::string nameOf(Reuse reuse) {
  switch (reuse) {
    case Reuse::No:
      return "NoFlag";
    case Reuse::Yes:
      return "ReuseAddress";
    case Reuse::PortOnly:
      return "ReusePort";
    case Reuse::AddressAndPort:
      break;
  }
  return "Both";
}

struct HeldAddress {
  const char* name;
  const char* host;
  const char* client;  ///< where a client finds a server of that host
};

constexpr HeldAddress kAddresses[] = {{"EveryIPv4", "0.0.0.0", "127.0.0.1"},
                                      {"LoopbackIPv4", "127.0.0.1", "127.0.0.1"},
                                      {"Every", "::", "127.0.0.1"},
                                      {"EveryForIPv6", "::", "::1"},
                                      {"LoopbackIPv6", "::1", "::1"}};

bool isIPv6(const std::string& host) { return host.find(':') != std::string::npos; }

/// The errors of `count` connections that differ from the first's, or the first's if none does.
int connectOften(const std::string& host, std::uint16_t port, int count) {
  const int first = connectTo(host, port);
  for (; count > 1; --count) {
    if (connectTo(host, port) != first) return -1;
  }
  return first;
}

// ---- Servers of all sorts -----------------------------------------------------------------------

class HeldPort : public ::testing::TestWithParam<std::tuple<Reuse, HeldAddress>> {
 protected:
  void SetUp() override {
    if (isIPv6(address_.host) && !hasIPv6()) GTEST_SKIP() << "this machine has no IPv6";
  }

  platform::Socket newServer() const {
    return openSocket(isIPv6(address_.host) ? AF_INET6 : AF_INET, reuse_);
  }

  Reuse reuse_ = std::get<0>(GetParam());
  HeldAddress address_ = std::get<1>(GetParam());
  PortPool pool_{freshPorts(1), impatient()};
};

INSTANTIATE_TEST_SUITE_P(Hold, HeldPort,
                         ::testing::Combine(::testing::ValuesIn(kEveryReuse),
                                            ::testing::ValuesIn(kAddresses)),
                         [](const auto& parameters) {
                           return nameOf(std::get<0>(parameters.param)) +
                                  std::get<1>(parameters.param).name;
                         });

TEST_P(HeldPort, IsForServersWithAFlagAndNobodyIsLedElsewhere) {
  constexpr int kConnections = 60;
  const auto owner = pool_.allocate(held(Hold::Shared));
  const auto port = owner.port();
  EXPECT_EQ(connectTo(address_.client, port), ECONNREFUSED);
  if (reuse_ == Reuse::No) {
    EXPECT_EQ(bindTo(newServer(), address_.host, port), EADDRINUSE);
    return;
  }
  // The second time is a restart, with connections in TIME_WAIT.
  for (int start = 0; start < 2; ++start) {
    const auto server = newServer();
    ASSERT_EQ(bindTo(server, address_.host, port), 0);
    EXPECT_EQ(connectTo(address_.client, port), ECONNREFUSED) << "before the server listens";
    ASSERT_EQ(::listen(server.get(), kConnections), 0);
    EXPECT_EQ(connectOften(address_.client, port, kConnections), 0);
    for (int i = 0; i < kConnections; ++i) {
      const platform::Socket connection(acceptFrom(server.get()));
      EXPECT_TRUE(connection) << "connection " << i << " did not reach the server";
    }
    EXPECT_EQ(bindAnew(address_.host, port), EADDRINUSE);
  }
  EXPECT_EQ(connectTo(address_.client, port), ECONNREFUSED) << "after the server's end";
  EXPECT_EQ(bindAnew(address_.host, port), EADDRINUSE) << "the hold ended with the server";
}

TEST_P(HeldPort, ExclusivelyIsForNobody) {
  const auto owner = pool_.allocate(held(Hold::Exclusive));
  EXPECT_EQ(bindTo(newServer(), address_.host, owner.port()), EADDRINUSE);
  EXPECT_EQ(connectOften(address_.client, owner.port(), 20), ECONNREFUSED);
}

// As the server that closes its connections first leaves it.
TEST_P(HeldPort, CanHaveConnectionsInTimeWait) {
  leaveTimeWait(*pool_.ports().begin());
  const auto owner = pool_.allocate(held(Hold::Shared));
  EXPECT_EQ(connectTo(address_.client, owner.port()), ECONNREFUSED);
  // SO_REUSEPORT alone does not suffice for a port in TIME_WAIT of a server without it.
  if (reuse_ == Reuse::PortOnly) return;
  const auto server = newServer();
  EXPECT_EQ(bindTo(server, address_.host, owner.port()), reuse_ == Reuse::No ? EADDRINUSE : 0);
}

TEST_P(HeldPort, ExclusivelyIsForNobodyThoughItHasConnectionsInTimeWait) {
  leaveTimeWait(*pool_.ports().begin());
  std::optional<TCPPortOwner> owner;
  try {
    owner.emplace(pool_.allocate(held(Hold::Exclusive)));
  } catch (const NoPortAvailableError&) {
    return;  // as good
  }
  EXPECT_EQ(bindTo(newServer(), address_.host, owner->port()), EADDRINUSE);
}

// ---- Programs that know nothing of it -----------------------------------------------------------

TEST(Hold, IsNoneByDefault) {
  EXPECT_EQ(PortRequest().hold, Hold::None);
  PortPool pool(freshPorts(1), impatient());
  const auto owner = pool.allocate();
  EXPECT_EQ(bindAnew("0.0.0.0", owner.port()), 0);
}

TEST(Hold, IsNotGivenAwayByTheSystem) {
  checkInChild([] {
    if (!enterOwnNetwork()) throw Refused("the kernel refuses a network namespace");
    PortPool pool(PortSet{{20000, 20001}}, impatient());
    const auto owner = pool.allocate(held(Hold::Shared));
    const auto other = static_cast<std::uint16_t>(owner.port() == 20000 ? 20001 : 20000);
    setEphemeralRange("20000 20001");
    EXPECT_EQ(findUnusedPort(), other);
    const auto taken = occupy(other);
    EXPECT_EQ(bindAnew("127.0.0.1", 0), EADDRINUSE);
    // As the port of a client, it could even connect to itself.
    EXPECT_NE(connectTo("127.0.0.1", owner.port()), 0);
  });
}

TEST(Hold, TakesAPortThatIsFreeOnly) {
  for (const auto hold : {Hold::Shared, Hold::Exclusive}) {
    for (const auto reuse : kEveryReuse) {
      PortPool pool(freshPorts(1), impatient());
      const auto port = *pool.ports().begin();
      const auto foreign = listenOn(port, "127.0.0.1", reuse);
      for (const auto& hosts : {std::vector<std::string>{"", "localhost"},
                                {"127.0.0.1", "localhost"},
                                {"127.0.0.2", "127.0.0.1"}}) {
        EXPECT_THROW(pool.allocate(held(hold, hosts)), NoPortAvailableError);
      }
      EXPECT_EQ(bindAnew("127.0.0.2", port), 0) << "part of a hold is left";
    }
  }
}

// Whatever moment a stranger chooses: a port that is held exclusively accepts no connection.
TEST(Hold, IsWholeOrNotAtAll) {
  for (int moment = 1; moment <= 4; ++moment) {
    PortPool pool(freshPorts(1), impatient());
    const auto port = *pool.ports().begin();
    platform::Socket stranger;
    BindLog log;
    log.before = [&, calls = 0](const std::string& call) mutable {
      if (call.rfind("probe", 0) == 0 && ++calls == moment) {
        stranger = openSocket(AF_INET, Reuse::Yes);
        if (bindTo(stranger, "127.0.0.2", port) == 0) ::listen(stranger.get(), 1);
      }
      return 0;
    };
    try {
      const auto owner = pool.allocate(held(Hold::Exclusive, {"127.0.0.1", "127.0.0.2"}));
      EXPECT_EQ(connectTo("127.0.0.2", port), ECONNREFUSED) << "at probe " << moment;
    } catch (const NoPortAvailableError&) {
      EXPECT_EQ(connectTo("127.0.0.2", port), 0) << "at probe " << moment;
    }
  }
}

TEST(Hold, CoversEveryHostOfTheRequest) {
  struct Case {
    std::vector<std::string> hosts;
    AddressFamily family;
    std::vector<std::string> covered;
    std::vector<std::string> free;
  };
  const std::vector<Case> cases = {
      {{"", "localhost"}, AddressFamily::Any, {"0.0.0.0", "127.0.0.1", "127.0.0.2", "::1"}, {}},
      {{"localhost", ""}, AddressFamily::Any, {"0.0.0.0", "127.0.0.1", "::", "::1"}, {}},
      {{"127.0.0.1", "localhost"}, AddressFamily::Any, {"127.0.0.1", "::1"}, {"127.0.0.2"}},
      {{"127.0.0.2", "127.0.0.1"}, AddressFamily::Any, {"127.0.0.1", "127.0.0.2"}, {"::1"}},
      {{"127.0.0.1", "0.0.0.0"}, AddressFamily::Any, {"127.0.0.1", "127.0.0.3"}, {"::1"}},
      {{"127.0.0.1", "::"}, AddressFamily::Any, {"0.0.0.0", "127.0.0.3", "::1"}, {}},
      {{"0.0.0.0"}, AddressFamily::Any, {"0.0.0.0", "127.0.0.1"}, {"::1"}},
      {{"::"}, AddressFamily::Any, {"0.0.0.0", "127.0.0.1", "::", "::1"}, {}},
      {{"::"}, AddressFamily::IPv6, {"::", "::1"}, {"127.0.0.1"}},
      {{""}, AddressFamily::IPv4, {"0.0.0.0", "127.0.0.1"}, {"::1"}},
      {{""}, AddressFamily::IPv6, {"::", "::1"}, {"127.0.0.1"}},
      {{"localhost"}, AddressFamily::IPv4, {"127.0.0.1"}, {"127.0.0.2", "::1"}},
      {{"localhost"}, AddressFamily::IPv6, {"::1"}, {"127.0.0.1"}},
      {{"::1"}, AddressFamily::Any, {"::1"}, {"127.0.0.1"}},
  };
  if (!hasIPv6()) GTEST_SKIP() << "this machine has no IPv6";
  for (const auto& each : cases) {
    SCOPED_TRACE(::testing::PrintToString(each.hosts));
    for (const auto hold : {Hold::Shared, Hold::Exclusive}) {
      PortPool pool(freshPorts(1), impatient());
      auto owner = pool.allocate(held(hold, each.hosts, each.family));
      const auto port = owner.port();
      for (const auto& host : each.covered) {
        EXPECT_EQ(bindAnew(host, port), EADDRINUSE) << host;
        for (const auto reuse : {Reuse::Yes, Reuse::PortOnly, Reuse::AddressAndPort}) {
          EXPECT_EQ(bindAnew(host, port, reuse), hold == Hold::Shared ? 0 : EADDRINUSE) << host;
        }
      }
      for (const auto& host : each.free) EXPECT_EQ(bindAnew(host, port), 0) << host;
      owner.cleanup();
      for (const auto& host : each.covered) EXPECT_EQ(bindAnew(host, port), 0) << host;
    }
  }
}

TEST(Hold, OfBothTransportsLeavesUdpToTheServer) {
  PortPool pool(freshPorts(1), impatient());
  auto request = held(Hold::Shared);
  request.transport = Transport::Both;
  const auto owner = pool.allocate(request);
  EXPECT_EQ(bindAnew("0.0.0.0", owner.port()), EADDRINUSE);
  EXPECT_EQ(bindAnew("0.0.0.0", owner.port(), Reuse::Yes), 0);
  EXPECT_EQ(bindAnew("0.0.0.0", owner.port(), Reuse::No, SOCK_DGRAM), 0);
}

TEST(Hold, OfBothTransportsNeedsAFreeUdpPort) {
  PortPool pool(freshPorts(1), impatient());
  auto request = held(Hold::Shared);
  request.transport = Transport::Both;
  const auto foreign = openSocket(AF_INET, Reuse::No, SOCK_DGRAM);
  ASSERT_EQ(bindTo(foreign, "127.0.0.1", *pool.ports().begin()), 0);
  EXPECT_THROW(pool.allocate(request), NoPortAvailableError);
  EXPECT_EQ(bindAnew("0.0.0.0", *pool.ports().begin()), 0) << "the TCP half of a hold is left";
}

TEST(Hold, OfABadHostIsAnErrorThatLosesNoPort) {
  PortPool pool(freshPorts(1), impatient());
  EXPECT_THROW(pool.allocate(held(Hold::Shared, {"", "192.0.2.1"})), HostError);
  EXPECT_THROW(pool.allocate(held(Hold::Shared, {"127.0.0.1", "192.0.2.1"})), HostError);
  EXPECT_EQ(bindAnew("0.0.0.0", *pool.ports().begin()), 0);
  EXPECT_NE(pool.allocate().port(), 0);
}

// ---- How long -----------------------------------------------------------------------------------

TEST(Hold, EndsWithItsOwner) {
  for (const auto hold : {Hold::Shared, Hold::Exclusive}) {
    PortPool pool(freshPorts(1), impatient());
    auto owner = pool.allocate(held(hold));
    auto moved = std::move(owner);
    EXPECT_EQ(bindAnew("0.0.0.0", moved.port()), EADDRINUSE);
    moved.cleanup();
    EXPECT_EQ(bindAnew("0.0.0.0", *pool.ports().begin()), 0);
    EXPECT_NE(pool.allocate(held(hold)).port(), 0);
  }
}

TEST(Hold, OutlastsAForkedChildThatCleansItsCopyUp) {
  PortPool pool(freshPorts(1), impatient());
  auto owner = pool.allocate(held(Hold::Shared));
  EXPECT_TRUE(ForkedChild([&] { owner.cleanup(); }).succeeds());
  EXPECT_EQ(bindAnew("0.0.0.0", owner.port()), EADDRINUSE);
}

TEST(Hold, EndsThoughAForkedChildLives) {
  PortPool pool(freshPorts(1), impatient());
  auto owner = pool.allocate(held(Hold::Exclusive));
  Signal runs;
  const ForkedChild child([&] {
    runs.send();
    sleepUntilKilled();
  });
  runs.await();
  owner.cleanup();
  EXPECT_EQ(bindAnew("0.0.0.0", *pool.ports().begin()), 0);
  EXPECT_EQ(pool.allocate().port(), *pool.ports().begin());
}

// A program that is started has a copy of the hold until it executes: it comes free in a moment.
TEST(Hold, ThatEndedIsWaitedForAMoment) {
  PortPool pool(freshPorts(1), impatient());
  BindLog log;
  log.before = [&, looks = 0](const std::string& call) mutable {
    constexpr int kFirstAndLast = 2;  // of a request that does not wait
    const bool isProbe = call == "probe " + pool.ports().toString();
    return isProbe && ++looks <= kFirstAndLast ? EADDRINUSE : 0;
  };
  EXPECT_NO_THROW(pool.allocate(held(Hold::Shared)));
}

TEST(Hold, IsNotInheritedByAProgram) {
  PortPool pool(freshPorts(1));
  auto owner = pool.allocate(held(Hold::Shared));
  // cat starts with nothing but the standard descriptors, and ends when this process closes them.
  const std::unique_ptr<FILE, int (*)(FILE*)> program(::popen("cat", "we"), ::pclose);
  ASSERT_TRUE(program);
  owner.cleanup();
  EXPECT_EQ(pool.allocate().port(), *pool.ports().begin());
}

// ---- A pool that holds every port ---------------------------------------------------------------

TEST(Hold, CanBeThatOfAWholePool) {
  auto options = impatient();
  options.hold = true;
  PortPool pool(freshPorts(1), options);
  {
    const auto owner = pool.allocate();
    EXPECT_EQ(bindAnew("0.0.0.0", owner.port()), EADDRINUSE);
    EXPECT_EQ(bindAnew("0.0.0.0", owner.port(), Reuse::Yes), 0);
  }
  const auto owner = pool.allocate(held(Hold::Exclusive));
  EXPECT_EQ(bindAnew("0.0.0.0", owner.port(), Reuse::Yes), EADDRINUSE);
}

TEST(Hold, RefusedPortsAreTheScopes) {
  std::uint16_t inner = 0, outer = 0;
  {
    const PortScope scope;
    outer = getRefusedTCPPort();
    const PortScope within;
    inner = getRefusedTCPPort();
    EXPECT_THAT(within.ports(), ElementsAre(inner));
    EXPECT_THAT(scope.ports(), ElementsAre(outer));
    for (const auto port : {inner, outer}) {
      EXPECT_EQ(connectOften("127.0.0.1", port, 20), ECONNREFUSED);
      for (const auto reuse : kEveryReuse) EXPECT_EQ(bindAnew("0.0.0.0", port, reuse), EADDRINUSE);
    }
  }
  for (const auto port : {inner, outer}) EXPECT_EQ(bindAnew("0.0.0.0", port), 0);
}

// ---- With the rest of portpool ------------------------------------------------------------------

TEST(Block, CanBeHeldAndFreeForBothTransports) {
  PortPool pool(freshBlock(3), impatient());
  PortRequest request;
  request.transport = Transport::Both;
  request.hold = Hold::Shared;
  {
    const auto owners = pool.allocateBlock(3, request);
    for (const auto port : portsOf(owners)) EXPECT_EQ(bindAnew("127.0.0.1", port), EADDRINUSE);
  }
  const auto foreign = openSocket(AF_INET, Reuse::No, SOCK_DGRAM);
  ASSERT_EQ(bindTo(foreign, "0.0.0.0", *++pool.ports().begin()), 0);
  EXPECT_THROW(pool.allocateBlock(3, request), NoPortAvailableError);
  EXPECT_THAT(pool.allocateBlock(3), SizeIs(3));
}

TEST(NamedPort, KeepsItsRequest) {
  const PortScope scope;
  PortRequest request;
  request.hold = Hold::Exclusive;
  const auto port = getNamedTCPPort("refused", request);
  EXPECT_EQ(getNamedTCPPort("refused", request), port);
  EXPECT_NE(bindAnew("0.0.0.0", port, Reuse::Yes), 0);
}

TEST(NamedPort, IsHeldWhereEveryPortIs) {
  checkInFreshProcess([] {
    setVariable("PORTPOOL_HOLD", "1");
    const PortScope scope;
    const auto port = getNamedTCPPort("server");
    EXPECT_EQ(bindAnew("0.0.0.0", port), EADDRINUSE);
    EXPECT_EQ(getNamedTCPPort("server"), port);
  });
}

TEST(WaitUntilListening, ForAHeldPortIsForItsServer) {
  PortPool pool(freshPorts(1), impatient());
  PortRequest request;
  request.hold = Hold::Shared;
  auto owner = pool.allocate(request);
  EXPECT_THROW(waitUntilListening(owner.port(), kHost, std::chrono::milliseconds(10)),
               NotListeningError);
  const auto server = owner.listen();
  EXPECT_NO_THROW(waitUntilListening(owner.port(), kHost, std::chrono::hours(24)));
}

TEST(Leaks, AreNotPortsWhoseHoldAForkedChildHasACopyOf) {
  PortScope scope("a test");
  getRefusedTCPPort();
  PortRequest request;
  request.hold = Hold::Shared;
  getNextAvailableTCPPort(request);
  Signal runs;
  const ForkedChild helper([&] {
    runs.send();
    sleepUntilKilled();
  });
  runs.await();
  const StderrReader stderrReader;
  EXPECT_THAT(scope.end(), IsEmpty());
  EXPECT_EQ(stderrReader.rest(), "");
}

TEST(Transport, UdpPortsOfAPoolThatHoldsAreNot) {
  auto options = impatient();
  options.hold = true;
  PortPool pool(freshPorts(1), options);
  PortRequest request;
  request.transport = Transport::UDP;
  const auto owner = pool.allocate(request);
  EXPECT_EQ(bindAnew("0.0.0.0", owner.port(), Reuse::No, SOCK_DGRAM), 0);
  EXPECT_EQ(bindAnew("0.0.0.0", owner.port()), 0);
}

TEST(ProcessPool, HoldsItsPortsIfTheEnvironmentAsks) {
  const auto ports = freshPorts(2).toString();
  const ScopedEnvironment variable("PORTPOOL_PORTS", ports);
  for (const auto& [value, isHeld] :
       {std::pair<std::optional<std::string>, bool>{std::nullopt, false},
        {"0", false},
        {"1", true}}) {
    const ScopedEnvironment hold("PORTPOOL_HOLD", value);
    const auto output = Program(SHOW_PROCESS_POOL, "2").all();
    EXPECT_THAT(output, HasSubstr("got "));
    EXPECT_THAT(output, isHeld ? ContainsRegex("got [0-9]* held\ngot [0-9]* held\n")
                               : ContainsRegex("got [0-9]*\ngot [0-9]*\n"));
  }
}

}  // namespace
}  // namespace portpool::test
