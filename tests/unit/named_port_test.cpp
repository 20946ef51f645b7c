// Ports by name.

#include <gmock/gmock.h>

#include <atomic>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <portpool/adapter.hpp>
#include <portpool/portpool.hpp>

#include "platform/lease.hpp"
#include "surroundings.hpp"
#include "waiting_line.hpp"

namespace portpool::test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::ThrowsMessage;

std::string text(std::uint16_t port) { return std::to_string(port); }

TEST(NamedPort, IsOneForOneNameInOneScope) {
  const PortScope scope;
  const auto port = getNamedTCPPort("server");
  EXPECT_EQ(getNamedTCPPort("server"), port);
  EXPECT_NE(getNamedTCPPort("proxy"), port);
  EXPECT_NE(getNextAvailableTCPPort(), port);
}

TEST(NamedPort, IsFoundInTheScopesAroundIt) {
  const PortScope suite("a suite");
  const auto suites = getNamedTCPPort("suite's");
  std::uint16_t tests = 0, parts = 0;
  {
    const PortScope test("a test");
    tests = getNamedTCPPort("test's");
    {
      const PortScope part;
      EXPECT_EQ(getNamedTCPPort("suite's"), suites);
      EXPECT_EQ(getNamedTCPPort("test's"), tests);
      parts = getNamedTCPPort("part's");
      EXPECT_THAT(part.ports(), ElementsAre(parts));
    }
    EXPECT_EQ(getNamedTCPPort("test's"), tests);
    EXPECT_THAT(test.ports(), ElementsAre(tests, parts));
  }
  EXPECT_EQ(getNamedTCPPort("suite's"), suites);
  // The names of a scope that ended are not found in the one around it.
  const auto another = getNamedTCPPort("test's");
  EXPECT_NE(another, tests);
  EXPECT_THAT(suite.ports(), ElementsAre(suites, tests, parts, another));
}

TEST(NamedPort, EndsWithItsScope) {
  PortScope scope;
  const auto port = getNamedTCPPort("server");
  EXPECT_FALSE(platform::makeLeaseRegistry()->tryAcquire(port));
  scope.end();
  EXPECT_TRUE(platform::makeLeaseRegistry()->tryAcquire(port));
  EXPECT_NE(getNamedTCPPort("server"), port) << "the least recently used comes first";
}

TEST(NamedPort, WithoutAScopeIsTheProcesssAndFoundInEach) {
  checkInChild([] {
    const auto port = getNamedTCPPort("of the process");
    {
      const PortScope scope;
      EXPECT_EQ(getNamedTCPPort("of the process"), port);
      EXPECT_TRUE(scope.ports().empty());
    }
    EXPECT_EQ(getNamedTCPPort("of the process"), port);
  });
}

TEST(NamedPort, CanBeABlockOrUDP) {
  const PortScope scope;
  const auto block = getNamedTCPPortBlock("cluster", 3);
  EXPECT_EQ(block.last - block.first, 2);
  EXPECT_EQ(getNamedTCPPortBlock("cluster", 3).first, block.first);
  EXPECT_EQ(getNamedTCPPortBlock("cluster", 3).last, block.last);
  const auto udp = getNamedUDPPort("datagrams");
  EXPECT_EQ(getNamedUDPPort("datagrams"), udp);
  EXPECT_THAT(scope.properties(),
              ElementsAre(Pair("tcp_ports", text(block.first) + ' ' +
                                                text(static_cast<std::uint16_t>(block.first + 1)) +
                                                ' ' + text(block.last)),
                          Pair("udp_ports", text(udp)),
                          Pair("named_ports", "cluster=" + text(block.first) + '-' +
                                                  text(block.last) + " datagrams=" + text(udp))));
}

TEST(NamedPort, OfAnotherKindIsAnErrorThatSaysBoth) {
  const PortScope scope;
  const auto port = text(getNamedTCPPort("server"));
  EXPECT_THAT([] { getNamedUDPPort("server"); },
              ThrowsMessage<PortSpecificationError>(
                  AllOf(HasSubstr("port " + port +
                                  " \"server\" is a TCP port, and a UDP port is "
                                  "requested with the same name"),
                        HasSubstr("another name"))));
  EXPECT_THAT([] { getNamedTCPPortBlock("server", 3); },
              ThrowsMessage<PortSpecificationError>(
                  HasSubstr("is a TCP port, and a block of 3 consecutive TCP ports is requested")));
  PortRequest request;
  request.hosts = {"127.0.0.1"};
  request.hold = Hold::Shared;
  EXPECT_THAT([&] { getNamedTCPPort("server", request); },
              ThrowsMessage<PortSpecificationError>(
                  HasSubstr("a TCP port of host \"127.0.0.1\", held is requested")));
  // A scope within is no other name.
  const PortScope within;
  EXPECT_THROW(getNamedUDPPort("server"), PortSpecificationError);
  EXPECT_THROW(getNamedTCPPort(""), PortSpecificationError);
}

TEST(NamedPort, IsOneForThreadsThatAskAtOnce) {
  // Of one port, so that whoever took a second would wait for it in vain.
  checkInFreshProcess([] {
    setVariable("PORTPOOL_PORTS", freshPorts(1).toString());
    setVariable("PORTPOOL_WAIT_SECONDS", "0");
    for (int i = 0; i < 200; ++i) {
      const PortScope scope;
      std::atomic<int> ready{0}, same{0};
      std::vector<std::thread> threads;
      for (int thread = 0; thread < 4; ++thread) {
        threads.emplace_back([&] {
          ++ready;
          while (ready < 4) std::this_thread::yield();
          if (getNamedTCPPort("server") == *PortPool::process().ports().begin()) ++same;
        });
      }
      for (auto& thread : threads) thread.join();
      ASSERT_EQ(same, 4);
      ASSERT_EQ(scope.ports().size(), 1U);
    }
  });
}

TEST(NamedPort, StandsInMessages) {
  checkInFreshProcess([] {
    setVariable("PORTPOOL_VERBOSE", "1");
    setVariable("PORTPOOL_PORTS", freshPorts(1).toString());
    setVariable("PORTPOOL_WAIT_SECONDS", "0");
    const StderrReader stderrReader;
    PortScope scope("a test");
    const auto port = getNamedTCPPort("the \x1b[31mserver");
    const auto title = "port " + text(port) + " \"the ?[31mserver\"";
    EXPECT_THAT(describePorts(), HasSubstr("portpool: a test: " + title + ": nothing listens\n"));
    EXPECT_THAT([] { getNamedTCPPort("proxy"); },
                ThrowsMessage<NoPortAvailableError>(HasSubstr("no TCP port for \"proxy\" became")));
    const auto server = listenOn(port);
    scope.end();
    EXPECT_THAT(describePorts(), HasSubstr("portpool: a test: " + title + " (returned): "));
    EXPECT_THAT(scope.properties(),
                ElementsAre(Pair("tcp_ports", text(port)),
                            Pair("named_ports", "the ?[31mserver=" + text(port)),
                            Pair("leaked_ports", text(port))));
    EXPECT_THAT(stderrReader.rest(), AllOf(HasSubstr("portpool: " + title + " handed out"),
                                           HasSubstr("its " + title + " is still in use by"),
                                           HasSubstr("portpool: " + title + " returned")));
  });
}

TEST(NamedPort, OfOneNameIsNotKeptByTheWaitForAnother) {
  checkInFreshProcess([] {
    const auto ports = freshBlock(2);
    setVariable("PORTPOOL_PORTS", ports.toString());
    auto taken = PortPool(ports).allocate();
    const PortScope scope;
    std::thread waiter([] { getNamedTCPPortBlock("both", 2); });
    const auto registry = platform::makeLeaseRegistry();
    const WaitingLine line(*registry, ports);
    while (!line.isAnyoneWaiting()) std::this_thread::yield();
    EXPECT_NE(getNamedTCPPort("one"), 0);  // well before the minute that the waiter waits
    taken.cleanup();
    waiter.detach();  // it waits for the port "one"
  });
}

TEST(Properties, OfAPhaseLeaveOutThoseThatAreReportedWithin) {
  PortScope suite("a suite");
  const auto suites = getNextAvailableTCPPort();
  std::uint16_t tests = 0, fixtures = 0;
  {
    const PortScope test("a test");
    tests = getNextAvailableTCPPort();
    {
      const PortScope fixture;
      fixtures = getNextAvailableTCPPort();
    }
    EXPECT_THAT(test.properties(),
                ElementsAre(Pair("tcp_ports", text(tests) + ' ' + text(fixtures))));
  }
  EXPECT_THAT(suite.properties(), ElementsAre(Pair("tcp_ports", text(suites))));
  EXPECT_THAT(suite.ports(), ElementsAre(suites, tests, fixtures));
  std::uint16_t own = 0;
  {
    const PortScope scope("a block of one's own");
    own = getNextAvailableTCPPort();
  }
  EXPECT_THAT(suite.properties(), ElementsAre(Pair("tcp_ports", text(suites) + ' ' + text(own))));
}

}  // namespace
}  // namespace portpool::test
