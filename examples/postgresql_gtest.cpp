// PostgreSQL servers, each with a database cluster of its own, in GoogleTest.

#include <portpool/gtest.hpp>

#include "postgresql_server.hpp"
#include "server_process.hpp"
#include "test_support.hpp"

#include <csignal>
#include <stdexcept>
#include <string>

class PostgresqlFixture : public portpool::gtest::PortFixture<> {
 protected:
  PostgresqlServer server{getNextAvailableTCPPort()};
  PostgresqlClient client{server};
};

TEST_F(PostgresqlFixture, Calculates) { EXPECT_EQ(client.run("SELECT 6 * 7"), "42"); }

TEST_F(PostgresqlFixture, KeepsATable) {
  const auto token = randomToken();
  client.run("CREATE TABLE tokens (token text PRIMARY KEY)");
  client.run("INSERT INTO tokens VALUES ('" + token + "')");
  EXPECT_EQ(PostgresqlClient(server).run("SELECT token FROM tokens"), token);
  EXPECT_THROW(client.run("INSERT INTO tokens VALUES ('" + token + "')"), std::runtime_error);
}

TEST_F(PostgresqlFixture, ShowsItsClientsWhatIsCommitted) {
  PostgresqlClient other{server};
  client.run("CREATE TABLE numbers AS SELECT generate_series(1, 1000) AS n");
  client.run("BEGIN");
  client.run("DELETE FROM numbers");
  EXPECT_EQ(other.run("SELECT sum(n) FROM numbers"), "500500");
  client.run("COMMIT");
  EXPECT_EQ(other.run("SELECT count(*) FROM numbers"), "0");
}

TEST_F(PostgresqlFixture, HasItsDataAfterARestartOnTheSamePort) {
  const auto token = randomToken();
  client.run("CREATE TABLE tokens AS SELECT '" + token + "' AS token");
  server.restart();
  EXPECT_EQ(PostgresqlClient(server).run("SELECT token FROM tokens"), token);
}

TEST(PostgresqlProcess, EndsWithATestThatIsKilled) {
  const auto port = portpool::getNextAvailableTCPPort();
  waitUntilServerOfKilledProcessEnds(port, [port] {
    const PostgresqlServer started{port};
    ::raise(SIGKILL);
  });
}
