// Boost.Test, for which portpool has no adapter: the fixtures of boost_test_ports.hpp stand in for
// one.

#define BOOST_TEST_MODULE echo
#include <boost/test/included/unit_test.hpp>

#include "boost_test_ports.hpp"
#include "echo_server.hpp"

#include <list>
#include <memory>
#include <string>

BOOST_TEST_GLOBAL_FIXTURE(PortPoolFixture);

BOOST_FIXTURE_TEST_CASE(Echoes, PortFixture) {
  EchoServer server{portpool::getNextAvailableTCPPort()};
  BOOST_TEST(EchoClient(server).echo("hello") == "hello");
}

// ---- A fixture of your own: its ports are returned after all of its members are gone ------------

class EchoFixture : public PortFixture {
 protected:
  EchoServer server{portpool::getNextAvailableTCPPort()};
  EchoClient client{server};
};

BOOST_FIXTURE_TEST_CASE(IsAMemberOfAFixture, EchoFixture) {
  BOOST_TEST(client.echo("hello") == "hello");
}

BOOST_FIXTURE_TEST_CASE(ServesManyRequests, EchoFixture) {
  for (int i = 0; i < 2000; ++i) BOOST_REQUIRE(client.echo(std::to_string(i)) == std::to_string(i));
}

// ---- A suite whose test cases all have the fixture ----------------------------------------------

BOOST_FIXTURE_TEST_SUITE(InASuite, EchoFixture)

BOOST_AUTO_TEST_CASE(ServesTwoClients) {
  EchoClient second{server};
  BOOST_TEST(client.echo("first") == "first");
  BOOST_TEST(second.echo("second") == "second");
}

BOOST_AUTO_TEST_CASE(HasRoomForOtherServers) {
  std::list<EchoServer> others;
  for (int i = 0; i < 8; ++i) others.emplace_back(portpool::getNextAvailableTCPPort());
  for (const auto& other : others) {
    BOOST_TEST(other.port() != server.port());
    BOOST_TEST(EchoClient(other).echo("hello") == "hello");
  }
}

BOOST_AUTO_TEST_SUITE_END()

// ---- A fixture as a decorator -------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(HasADecorator, *boost::unit_test::fixture<PortFixture>()) {
  EchoServer server{portpool::getNextAvailableTCPPort()};
  BOOST_TEST(EchoClient(server).echo("hello") == "hello");
}

// ---- A server that outlives its test case -------------------------------------------------------

BOOST_AUTO_TEST_SUITE(Leak, *boost::unit_test::disabled())  // unless --run_test asks for it

BOOST_FIXTURE_TEST_CASE(IsNamed, PortFixture) {
  static std::unique_ptr<EchoServer> forgotten;
  forgotten = std::make_unique<EchoServer>(portpool::getNextAvailableTCPPort());
}

BOOST_AUTO_TEST_SUITE_END()
