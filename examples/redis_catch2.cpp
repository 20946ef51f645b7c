// redis-server processes, each on a port of its own, in Catch2.

#include "catch2_templates.hpp"
#include "redis_server.hpp"
#include "test_support.hpp"

#include <cstddef>
#include <list>
#include <string>

TEST_CASE("a redis server keeps a value") {
  const auto token = randomToken();
  RedisServer server{portpool::getNextAvailableTCPPort()};
  RedisClient client{server};
  client.command({"SET", "key", token});

  SECTION("for its client") { CHECK(client.command({"GET", "key"}) == token); }
  SECTION("for another client") { CHECK(RedisClient(server).command({"GET", "key"}) == token); }
  SECTION("for itself alone") {
    RedisServer other{portpool::getNextAvailableTCPPort()};
    CHECK(RedisClient(other).command({"GET", "key"}).empty());
  }
}

class RedisFixture : public portpool::catch2::PortFixture {
 protected:
  RedisServer server{getNextAvailableTCPPort()};
  RedisClient client{server};
};

TEST_CASE_METHOD(RedisFixture, "a redis server counts many requests") {
  for (int i = 1; i <= 2000; ++i) REQUIRE(client.command({"INCR", "n"}) == std::to_string(i));
}

TEST_CASE_METHOD(RedisFixture, "a redis server starts empty") {
  CHECK(client.command({"DBSIZE"}) == "0");
}

TEMPLATE_TEST_CASE_SIG("a redis server keeps values of every size", "", ((int Size), Size), 1, 2, 4,
                       8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768) {
  const auto value = std::string(Size, 'x') + randomToken();
  RedisServer server{portpool::getNextAvailableTCPPort()};
  RedisClient client{server};
  client.command({"SET", "key", value});
  CHECK(client.command({"GET", "key"}) == value);
}

TEMPLATE_TEST_CASE_SIG("a redis server reaches its replicas", "", ((int Replicas), Replicas), 1, 2,
                       3) {
  const auto token = randomToken();
  RedisServer primary{portpool::getNextAvailableTCPPort()};
  RedisClient(primary).command({"SET", "key", token});

  std::list<RedisServer> replicas;
  for (int i = 0; i < Replicas; ++i) replicas.emplace_back(portpool::getNextAvailableTCPPort());
  for (const auto& replica : replicas) {
    RedisClient client{replica};
    client.command({"REPLICAOF", portpool::kHost, std::to_string(primary.port())});
    waitUntil("the replica has the key", [&] { return client.command({"GET", "key"}) == token; });
  }
}
