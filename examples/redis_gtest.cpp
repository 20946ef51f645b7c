// redis-server processes, each on a port of its own, in GoogleTest.

#include <portpool/gtest.hpp>

#include "redis_server.hpp"
#include "server_process.hpp"
#include "test_support.hpp"

#include <csignal>
#include <cstddef>
#include <list>
#include <string>

class RedisFixture : public portpool::gtest::PortFixture<> {
 protected:
  RedisServer server{getNextAvailableTCPPort()};
  RedisClient client{server};
};

TEST_F(RedisFixture, KeepsAValue) {
  const auto token = randomToken();
  client.command({"SET", "key", token});
  EXPECT_EQ(client.command({"GET", "key"}), token);
}

TEST_F(RedisFixture, StartsEmpty) { EXPECT_EQ(client.command({"DBSIZE"}), "0"); }

TEST_F(RedisFixture, ServesItsClientsTheSameData) {
  const auto token = randomToken();
  client.command({"SET", "key", token});
  EXPECT_EQ(RedisClient(server).command({"GET", "key"}), token);
}

TEST_F(RedisFixture, CountsManyRequests) {
  for (int i = 1; i <= 2000; ++i) ASSERT_EQ(client.command({"INCR", "n"}), std::to_string(i));
}

TEST(RedisPlain, NeedsNoFixture) {
  RedisServer server{portpool::getNextAvailableTCPPort()};
  EXPECT_EQ(RedisClient(server).command({"PING"}), "PONG");
}

TEST(RedisOwner, KeepsThePortForTheNextServer) {
  portpool::TCPPortOwner owner;
  for (int restart = 0; restart < 3; ++restart) {
    RedisServer server{owner.port()};
    EXPECT_EQ(RedisClient(server).command({"DBSIZE"}), "0");
  }
}

TEST(RedisProcess, EndsWithATestThatIsKilled) {
  const auto port = portpool::getNextAvailableTCPPort();
  waitUntilServerOfKilledProcessEnds(port, [port] {
    const RedisServer started{port};
    ::raise(SIGKILL);
  });
}

// ---- Values -------------------------------------------------------------------------------------

class RedisValues : public portpool::gtest::PortFixture<::testing::TestWithParam<int>> {
 protected:
  RedisServer server{getNextAvailableTCPPort()};
  RedisClient client{server};
};

TEST_P(RedisValues, KeepsValuesOfEverySize) {
  const auto value = std::string(std::size_t{1} << GetParam(), 'x') + randomToken();
  client.command({"SET", "key", value});
  EXPECT_EQ(client.command({"GET", "key"}), value);
}

TEST_P(RedisValues, CountsFromHere) {
  client.command({"SET", "n", std::to_string(GetParam())});
  EXPECT_EQ(client.command({"INCR", "n"}), std::to_string(GetParam() + 1));
}

INSTANTIATE_TEST_SUITE_P(Bits, RedisValues, ::testing::Range(0, 15));

// ---- Two servers and more that talk to each other -----------------------------------------------

class RedisReplication : public portpool::gtest::PortFixture<::testing::TestWithParam<int>> {
 protected:
  RedisServer primary{getNextAvailableTCPPort()};
};

TEST_P(RedisReplication, ReachesEveryReplica) {
  const auto token = randomToken();
  RedisClient(primary).command({"SET", "key", token});

  std::list<RedisServer> replicas;
  for (int i = 0; i < GetParam(); ++i) replicas.emplace_back(getNextAvailableTCPPort());
  for (const auto& replica : replicas) {
    RedisClient(replica).command({"REPLICAOF", portpool::kHost, std::to_string(primary.port())});
  }
  for (const auto& replica : replicas) {
    RedisClient client{replica};
    waitUntil("the replica has the key", [&] { return client.command({"GET", "key"}) == token; });
  }
}

INSTANTIATE_TEST_SUITE_P(Replicas, RedisReplication, ::testing::Values(1, 1, 1, 1, 2, 2, 3));
