// The ways to get a port in GoogleTest, each with a real server that listens on it.

#include <portpool/adapter.hpp>  // for PortScope
#include <portpool/gtest.hpp>

#include "echo_server.hpp"

#include <cstddef>
#include <list>
#include <memory>
#include <string>

// ---- A fixture: its ports are returned after all of its members are gone -----------------------

class EchoFixture : public portpool::gtest::PortFixture<> {
 protected:
  EchoServer server{getNextAvailableTCPPort()};
  EchoClient client{server};
};

TEST_F(EchoFixture, Echoes) { EXPECT_EQ(client.echo("hello"), "hello"); }

TEST_F(EchoFixture, EchoesAnEmptyLine) { EXPECT_EQ(client.echo(""), ""); }

TEST_F(EchoFixture, ServesManyRequests) {
  for (int i = 0; i < 2000; ++i) ASSERT_EQ(client.echo(std::to_string(i)), std::to_string(i));
}

TEST_F(EchoFixture, ServesManyConnections) {
  for (int i = 0; i < 200; ++i) ASSERT_EQ(EchoClient(server).echo("hello"), "hello");
}

TEST_F(EchoFixture, HasRoomForAnotherServer) {
  EchoServer other{getNextAvailableTCPPort()};
  EXPECT_NE(other.port(), server.port());
  EXPECT_EQ(EchoClient(other).echo("hello"), "hello");
  EXPECT_EQ(client.echo("hello"), "hello");
}

// ---- No fixture: the port is returned when the test ends ----------------------------------------

TEST(EchoPlain, NeedsNoFixture) {
  EchoServer server{portpool::getNextAvailableTCPPort()};
  EXPECT_EQ(EchoClient(server).echo("hello"), "hello");
}

TEST(EchoPlain, AsksForOneAddress) {
  EchoServer server{
      portpool::getNextAvailableTCPPort({portpool::kHost}, portpool::AddressFamily::IPv4)};
  EXPECT_EQ(EchoClient(server).echo("hello"), "hello");
}

TEST(EchoPlain, AsksForIPv6) {
  std::uint16_t port = 0;
  try {
    port = portpool::getNextAvailableTCPPort({portpool::kHostV6}, portpool::AddressFamily::IPv6);
  } catch (const portpool::HostError& error) {
    GTEST_SKIP() << error.what();
  }
  EchoServer server{port, portpool::kHostV6};
  EXPECT_EQ(EchoClient(server).echo("hello"), "hello");
}

// The default request is for both families, so one number serves for both.
TEST(EchoPlain, ListensOnOnePortOfBothFamilies) {
  EchoServer server{portpool::getNextAvailableTCPPort()};
  EXPECT_EQ(EchoClient(server).echo("IPv4"), "IPv4");
  try {
    portpool::TCPPortOwner({portpool::kHostV6}, portpool::AddressFamily::IPv6);
  } catch (const portpool::HostError& error) {
    GTEST_SKIP() << error.what();
  }
  EchoServer serverV6{server.port(), portpool::kHostV6};
  EXPECT_EQ(EchoClient(serverV6).echo("IPv6"), "IPv6");
}

// ---- An owner: the port is returned when you say so ---------------------------------------------

TEST(EchoOwner, ReturnsThePortAtTheEndOfItsBlock) {
  portpool::TCPPortOwner owner;
  EchoServer server{owner.port()};
  EXPECT_EQ(EchoClient(server).echo("hello"), "hello");
}

TEST(EchoOwner, ReturnsThePortOnDemand) {
  portpool::TCPPortOwner owner;
  {
    EchoServer server{owner.port()};
    EXPECT_EQ(EchoClient(server).echo("hello"), "hello");
  }
  owner.cleanup();
  EXPECT_EQ(owner.port(), 0);
}

TEST(EchoOwner, KeepsThePortForTheNextServer) {
  portpool::TCPPortOwner owner;
  for (int restart = 0; restart < 20; ++restart) {
    EchoServer server{owner.port()};
    ASSERT_EQ(EchoClient(server).echo("hello"), "hello");
  }
}

// ---- A server for a whole suite: its port is returned when the suite ends -----------------------

class EchoSuite : public ::testing::TestWithParam<int> {
 protected:
  static void SetUpTestSuite() {
    server = std::make_unique<EchoServer>(portpool::getNextAvailableTCPPort());
  }
  static void TearDownTestSuite() { server.reset(); }

  inline static std::unique_ptr<EchoServer> server;
};

TEST_P(EchoSuite, SharesItsServer) {
  const auto line = "number " + std::to_string(GetParam());
  for (int i = 0; i < 500; ++i) ASSERT_EQ(EchoClient(*server).echo(line), line);
}

INSTANTIATE_TEST_SUITE_P(Number, EchoSuite, ::testing::Range(0, 10));

// ---- A fixture of your own below, and parameters ------------------------------------------------

class EchoSizes : public portpool::gtest::PortFixture<::testing::TestWithParam<std::size_t>> {
 protected:
  EchoServer server{getNextAvailableTCPPort()};
};

TEST_P(EchoSizes, EchoesLinesOfEverySize) {
  const std::string line(GetParam() * GetParam() * 10, 'x');
  EchoClient client{server};
  for (int i = 0; i < 50; ++i) ASSERT_EQ(client.echo(line), line);
}

INSTANTIATE_TEST_SUITE_P(Size, EchoSizes, ::testing::Range(std::size_t{1}, std::size_t{51}));

// ---- Many ports in one test ---------------------------------------------------------------------

class EchoCrowd : public portpool::gtest::PortFixture<::testing::TestWithParam<int>> {};

TEST_P(EchoCrowd, RunsItsServersSideBySide) {
  std::list<EchoServer> servers;
  for (int i = 0; i < GetParam(); ++i) servers.emplace_back(getNextAvailableTCPPort());
  for (int i = 0; i < 20; ++i) {
    for (const auto& server : servers) ASSERT_EQ(EchoClient(server).echo("hello"), "hello");
  }
}

INSTANTIATE_TEST_SUITE_P(Servers, EchoCrowd, ::testing::Range(1, 21));

// ---- Typed tests --------------------------------------------------------------------------------

struct FromFreeFunction {
  static constexpr const char* kName = "FreeFunction";
  std::uint16_t port = portpool::getNextAvailableTCPPort();
};
struct FromFreeFunctionForLocalhost {
  static constexpr const char* kName = "FreeFunctionForLocalhost";
  std::uint16_t port = portpool::getNextAvailableTCPPort({"localhost"});
};
struct FromOwner {
  static constexpr const char* kName = "Owner";
  portpool::TCPPortOwner owner;
  std::uint16_t port = owner.port();
};
struct FromScope {
  static constexpr const char* kName = "Scope";
  portpool::PortScope scope;
  std::uint16_t port = portpool::getNextAvailableTCPPort();
};

template <class Source>
class EchoFrom : public ::testing::Test {
 protected:
  Source source;
  EchoServer server{source.port};
};

using Sources =
    ::testing::Types<FromFreeFunction, FromFreeFunctionForLocalhost, FromOwner, FromScope>;
struct NamesOfSources {
  template <class Source>
  static std::string GetName(int) {
    return Source::kName;
  }
};
TYPED_TEST_SUITE(EchoFrom, Sources, NamesOfSources);

TYPED_TEST(EchoFrom, EchoesOnce) { EXPECT_EQ(EchoClient(this->server).echo("once"), "once"); }

TYPED_TEST(EchoFrom, EchoesOften) {
  EchoClient client{this->server};
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(client.echo("often"), "often");
}

TYPED_TEST(EchoFrom, ServesClientsInTurns) {
  EchoClient first{this->server};
  EchoClient second{this->server};
  for (int i = 0; i < 200; ++i) {
    ASSERT_EQ(first.echo("first"), "first");
    ASSERT_EQ(second.echo("second"), "second");
  }
}
