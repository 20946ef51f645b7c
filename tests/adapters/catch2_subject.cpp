// The scenarios of catch2_adapter_test.cpp, for Catch2 3 and 2.13; it names those to run.

#include "catch2_include.hpp"
#include "subject.hpp"

#include <portpool/catch2.hpp>

#include <csignal>
#include <stdexcept>
#include <string>

namespace {

using portpool::getNextAvailableTCPPort;

TEST_CASE("plain") {
  const Bracket test("test");
  NotedServer first(getNextAvailableTCPPort());
  NotedServer second(getNextAvailableTCPPort());
  CHECK(first.isReached());
  CHECK(second.isReached());
}

TEST_CASE("without ports") {
  const Bracket test("test");
  SUCCEED();
}

TEST_CASE("sections") {
  const Bracket run("run");
  NotedServer root(getNextAvailableTCPPort());
  SECTION("a") {
    NotedServer own(getNextAvailableTCPPort());
    CHECK(own.isReached());
    SECTION("a1") {
      note("leaf a1", getNextAvailableTCPPort());
      CHECK(root.isReached());
    }
    SECTION("a2") {
      note("leaf a2", getNextAvailableTCPPort());
      CHECK(root.isReached());
    }
  }
  SECTION("b") {
    note("leaf b", getNextAvailableTCPPort());
    CHECK(root.isReached());
  }
}

TEST_CASE("generators") {
  const Bracket run("run");
  const auto value = GENERATE(1, 2, 3);
  NotedServer server(getNextAvailableTCPPort());
  CHECK(server.isReached());
  CHECK(value > 0);
}

class Fixture : public portpool::catch2::PortFixture {
 protected:
  Bracket bracket{"run"};
  NotedServer server{getNextAvailableTCPPort()};
};
TEST_CASE_METHOD(Fixture, "fixture") {
  NotedServer own(portpool::getNextAvailableTCPPort());
  SECTION("a") { CHECK(server.isReached()); }
  SECTION("b") { CHECK(own.isReached()); }
}

TEST_CASE("exceptions in sections") {
  const Bracket run("run");
  NotedServer root(getNextAvailableTCPPort());
  SECTION("outer") {
    NotedServer inOuter(getNextAvailableTCPPort());
    SECTION("inner") {
      NotedServer inInner(getNextAvailableTCPPort());
      throw std::runtime_error("trouble in inner");
    }
    throw std::runtime_error("trouble in outer");
  }
  throw std::runtime_error("trouble in root");
}

TEST_CASE("failing assertions in sections") {
  const Bracket run("run");
  NotedServer root(getNextAvailableTCPPort());
  SECTION("outer") {
    NotedServer inOuter(getNextAvailableTCPPort());
    SECTION("inner") { REQUIRE(root.port() == 0); }
    CHECK(root.port() == 0);
  }
  REQUIRE(root.port() == 0);
}

TEST_CASE("assertions on exceptions", "[!throws]") {
  const Bracket run("run");
  NotedServer root(getNextAvailableTCPPort());
  SECTION("inner") {
    NotedServer inInner(getNextAvailableTCPPort());
    REQUIRE_THROWS_AS(throw std::runtime_error("expected"), std::runtime_error);
  }
}

TEST_CASE("should fail", "[.][!shouldfail]") { FAIL(); }

TEST_CASE("may fail", "[!mayfail]") {
  const Bracket run("run");
  NotedServer server(getNextAvailableTCPPort());
  REQUIRE(server.port() == 0);
}

TEST_CASE("runs out of ports", "[.]") {
  const Bracket test("test");
  for (;;) note("got", getNextAvailableTCPPort());
}
TEST_CASE("next after running out", "[.]") {
  const Bracket test("next test");
  SUCCEED();
}

TEST_CASE("dies", "[.]") {
  NotedServer server(getNextAvailableTCPPort());
  SECTION("by a signal") { CHECK(std::raise(SIGTERM) == 0); }
}

#ifdef SKIP
TEST_CASE("skip") {
  const Bracket run("run");
  NotedServer root(getNextAvailableTCPPort());
  SECTION("a") {
    NotedServer own(getNextAvailableTCPPort());
    SKIP("no reason");
  }
  SECTION("b") { CHECK(root.isReached()); }
}
#endif

#ifdef TEST_CASE_PERSISTENT_FIXTURE
TEST_CASE_PERSISTENT_FIXTURE(Fixture, "persistent fixture") {
  const Bracket run("part");
  NotedServer own(portpool::getNextAvailableTCPPort());
  SECTION("a") { CHECK(server.isReached()); }
  SECTION("b") { CHECK(own.isReached()); }
}
#endif

#if defined BENCHMARK
TEST_CASE("benchmark", "[.]") {
  const Bracket run("run");
  NotedServer server(getNextAvailableTCPPort());
  BENCHMARK("has its port") { return server.port(); };
  CHECK(server.isReached());  // once: each time would leave a connection in TIME_WAIT
}
#endif

}  // namespace
