// memcached processes, each on a port of its own, in Catch2.

#include "catch2_templates.hpp"
#include "server_process.hpp"
#include "test_support.hpp"
#include "text_client.hpp"

#include <csignal>
#include <string>

namespace {

/// A memcached process, on the loopback address only.
class MemcachedServer {
 public:
  /// Starts the server and waits until it listens.
  explicit MemcachedServer(std::uint16_t port)
      : process_(port,
                 {PORTPOOL_MEMCACHED,
                  {"-l", portpool::kHost, "-p", std::to_string(port), "-m", "16", "-t", "1"},
                  SIGKILL,
                  "nobody"},
                 folder_.path() / "log") {
    process_.waitUntilItListens();
  }

  std::uint16_t port() const { return process_.port(); }
  int pid() const { return process_.pid(); }

 private:
  const ServerFolder folder_{"memcached"};
  ServerProcess process_;
};

/// A connection to a MemcachedServer, by its text protocol.
class MemcachedClient {
 public:
  /// Throws Collision if the server that answers is not the process that `server` has started.
  explicit MemcachedClient(const MemcachedServer& server) : client_(server.port()) {
    client_.sendLine("stats");
    const auto answer = client_.readLine();
    const auto expected = "STAT pid " + std::to_string(server.pid());
    if (answer != expected) {
      throw Collision("memcached: port " + std::to_string(server.port()) + " answers \"" + answer +
                      "\", not \"" + expected + '"');
    }
    while (client_.readLine() != "END") continue;
  }

  void set(const std::string& key, const std::string& value) {
    client_.sendLine("set " + key + " 0 0 " + std::to_string(value.size()));
    client_.sendLine(value);
    if (const auto answer = client_.readLine(); answer != "STORED") {
      throw std::runtime_error("set: " + answer);
    }
  }

  /// "" if there is no such key.
  std::string get(const std::string& key) {
    client_.sendLine("get " + key);
    if (client_.readLine() == "END") return {};
    auto value = client_.readLine();
    client_.readLine();  // END
    return value;
  }

 private:
  TextClient client_;
};

class MemcachedFixture : public portpool::catch2::PortFixture {
 protected:
  MemcachedServer server{getNextAvailableTCPPort()};
  MemcachedClient client{server};
};

TEST_CASE_METHOD(MemcachedFixture, "memcached keeps a value") {
  const auto token = randomToken();
  client.set("key", token);

  SECTION("for its client") { CHECK(client.get("key") == token); }
  SECTION("for another client") { CHECK(MemcachedClient(server).get("key") == token); }
  SECTION("for itself alone") {
    const MemcachedServer other{getNextAvailableTCPPort()};
    CHECK(MemcachedClient(other).get("key").empty());
  }
}

TEST_CASE_METHOD(MemcachedFixture, "memcached starts empty") { CHECK(client.get("key").empty()); }

TEST_CASE_METHOD(MemcachedFixture, "memcached answers many requests") {
  for (int i = 0; i < 1000; ++i) {
    client.set("n", std::to_string(i));
    REQUIRE(client.get("n") == std::to_string(i));
  }
}

TEST_CASE("memcached restarts on the same port") {
  portpool::TCPPortOwner owner;
  for (int restart = 0; restart < 3; ++restart) {
    const MemcachedServer server{owner.port()};
    MemcachedClient client{server};
    REQUIRE(client.get("key").empty());
    client.set("key", "value");
  }
}

TEST_CASE("memcached ends with a test that is killed") {
  const auto port = portpool::getNextAvailableTCPPort();
  waitUntilServerOfKilledProcessEnds(port, [port] {
    const MemcachedServer started{port};
    ::raise(SIGKILL);
  });
}

}  // namespace
