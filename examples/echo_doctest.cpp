// doctest, for which portpool has no adapter: the fixture of doctest_ports.hpp stands in for one.

#define DOCTEST_CONFIG_IMPLEMENT
#include "doctest_ports.hpp"

#include "echo_server.hpp"

#include <list>
#include <memory>
#include <string>

int main(int argc, char** argv) {
  if (!portpool::isolateIfRequested()) return 1;
  return doctest::Context(argc, argv).run();
}

TEST_CASE_FIXTURE(PortFixture, "an echo server echoes") {
  EchoServer server{portpool::getNextAvailableTCPPort()};
  CHECK(EchoClient(server).echo("hello") == "hello");
}

// ---- Subcases: the body runs once for each, each time with ports of its own ---------------------

TEST_CASE_FIXTURE(PortFixture, "an echo server serves each subcase") {
  EchoServer server{portpool::getNextAvailableTCPPort()};
  EchoClient client{server};

  SUBCASE("one client") { CHECK(client.echo("hello") == "hello"); }
  SUBCASE("two clients") {
    EchoClient second{server};
    CHECK(client.echo("first") == "first");
    CHECK(second.echo("second") == "second");
  }
  SUBCASE("two servers") {
    EchoServer other{portpool::getNextAvailableTCPPort()};
    CHECK(other.port() != server.port());
    CHECK(EchoClient(other).echo("hello") == "hello");
  }
}

// ---- A fixture of your own: its ports are returned after all of its members are gone ------------

class EchoFixture : public PortFixture {
 protected:
  EchoServer server{portpool::getNextAvailableTCPPort()};
  EchoClient client{server};
};

TEST_CASE_FIXTURE(EchoFixture, "an echo server is a member of a fixture") {
  CHECK(client.echo("hello") == "hello");
}

TEST_CASE_FIXTURE(EchoFixture, "an echo server serves many requests") {
  for (int i = 0; i < 2000; ++i) REQUIRE(client.echo(std::to_string(i)) == std::to_string(i));
}

// ---- Without a fixture of the framework, and with templates -------------------------------------

TEST_CASE("an echo server needs no fixture") {
  const PortFixture ports;
  EchoServer server{portpool::getNextAvailableTCPPort()};
  CHECK(EchoClient(server).echo("hello") == "hello");
}

struct Two {
  static constexpr int kCount = 2;
};
struct Eight {
  static constexpr int kCount = 8;
};
TYPE_TO_STRING(Two);
TYPE_TO_STRING(Eight);

TEST_CASE_TEMPLATE("echo servers run side by side", Servers, Two, Eight) {
  const PortFixture ports;
  std::list<EchoServer> servers;
  for (int i = 0; i < Servers::kCount; ++i)
    servers.emplace_back(portpool::getNextAvailableTCPPort());
  for (const auto& server : servers) CHECK(EchoClient(server).echo("hello") == "hello");
}

// ---- A server that outlives its test case -------------------------------------------------------

// Skipped unless it is asked for with --no-skip, as CMakeLists.txt does to see it fail.
TEST_CASE_FIXTURE(PortFixture, "a leak is named" * doctest::skip()) {
  static std::unique_ptr<EchoServer> forgotten;
  forgotten = std::make_unique<EchoServer>(portpool::getNextAvailableTCPPort());
}
