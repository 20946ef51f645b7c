// The ways to get a port in Catch2, each with a real server that listens on it.

#include "catch2_templates.hpp"
#include "echo_server.hpp"

#include <list>
#include <string>

// ---- A test case: its ports are returned when it ends -------------------------------------------

TEST_CASE("an echo server echoes") {
  EchoServer server{portpool::getNextAvailableTCPPort()};
  CHECK(EchoClient(server).echo("hello") == "hello");
}

TEST_CASE("an echo server serves many requests") {
  EchoServer server{portpool::getNextAvailableTCPPort()};
  EchoClient client{server};
  for (int i = 0; i < 2000; ++i) REQUIRE(client.echo(std::to_string(i)) == std::to_string(i));
}

// ---- Sections: the body runs once for each leaf, each time with a port of its own ---------------

TEST_CASE("an echo server serves each section") {
  EchoServer server{portpool::getNextAvailableTCPPort()};
  EchoClient client{server};

  SECTION("one client") { CHECK(client.echo("hello") == "hello"); }
  SECTION("two clients") {
    EchoClient second{server};
    CHECK(client.echo("first") == "first");
    CHECK(second.echo("second") == "second");
  }
  SECTION("two servers") {
    EchoServer other{portpool::getNextAvailableTCPPort()};
    CHECK(other.port() != server.port());
    CHECK(EchoClient(other).echo("hello") == "hello");
    CHECK(client.echo("hello") == "hello");
  }
}

// ---- A fixture: its ports are returned after all of its members are gone ------------------------

class EchoFixture : public portpool::catch2::PortFixture {
 protected:
  EchoServer server{getNextAvailableTCPPort()};
  EchoClient client{server};
};

TEST_CASE_METHOD(EchoFixture, "an echo server is a member of a fixture") {
  CHECK(client.echo("hello") == "hello");
}

TEST_CASE_METHOD(EchoFixture, "an echo server serves many connections") {
  for (int i = 0; i < 200; ++i) REQUIRE(EchoClient(server).echo("hello") == "hello");
}

// ---- An owner: the port is returned when you say so ---------------------------------------------

TEST_CASE("an echo server restarts on the same port") {
  portpool::TCPPortOwner owner;
  for (int restart = 0; restart < 20; ++restart) {
    EchoServer server{owner.port()};
    REQUIRE(EchoClient(server).echo("hello") == "hello");
  }
}

// ---- Templates ----------------------------------------------------------------------------------

TEMPLATE_TEST_CASE_SIG("an echo server echoes lines of every size", "", ((int Size), Size), 1, 2, 3,
                       4, 5, 6, 7, 8, 9, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 200, 300, 400,
                       500, 600, 700, 800, 900, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000,
                       9000, 10000, 20000, 30000, 40000) {
  const std::string line(Size, 'x');
  EchoServer server{portpool::getNextAvailableTCPPort()};
  EchoClient client{server};
  for (int i = 0; i < 50; ++i) REQUIRE(client.echo(line) == line);
}

TEMPLATE_TEST_CASE_SIG("echo servers run side by side", "", ((int Servers), Servers), 1, 2, 3, 4, 5,
                       6, 7, 8, 9, 10, 11, 12) {
  std::list<EchoServer> servers;
  for (int i = 0; i < Servers; ++i) servers.emplace_back(portpool::getNextAvailableTCPPort());
  for (int i = 0; i < 20; ++i) {
    for (const auto& server : servers) REQUIRE(EchoClient(server).echo("hello") == "hello");
  }
}
