#include "postgresql_server.hpp"

#include "test_support.hpp"

#include <portpool/sockets.hpp>

#include <libpq-fe.h>

#include <csignal>
#include <utility>

namespace {

constexpr auto kUser = "postgres";  // of the system and of the database; it refuses to be root's

std::string address(std::uint16_t port) {
  return std::string("host=") + portpool::kHost + " port=" + std::to_string(port) +
         " user=" + kUser + " dbname=postgres sslmode=disable gssencmode=disable";
}

/// A fast shutdown, which ends the processes of the server, too.
ServerCommand command(const std::string& program, std::vector<std::string> arguments) {
  return {PORTPOOL_POSTGRESQL_PROGRAMS "/" + program, std::move(arguments), SIGINT, kUser};
}

struct Clear {
  void operator()(PGresult* result) const { PQclear(result); }
};

}  // namespace

PostgresqlServer::PostgresqlServer(std::uint16_t port) : port_(port), name_(randomToken()) {
  const auto data = folder_.path() / "data";
  folder_.giveInsteadOfRoot(kUser);
  runToItsEnd(command("initdb", {"--pgdata", data, "--username", kUser, "--auth", "trust",
                                 "--no-locale", "--encoding", "UTF8", "--no-sync"}),
              folder_.path() / "initdb.log");
  restart();
}

void PostgresqlServer::restart() {
  process_.reset();
  process_.emplace(port_,
                   command("postgres", {"-D", folder_.path() / "data", "-h", portpool::kHost, "-p",
                                        std::to_string(port_), "-k", "", "-F", "-B", "16MB", "-c",
                                        "cluster_name=" + name_}),
                   folder_.path() / "postgres.log");
  process_->waitUntil([this] { return PQping(address(port_).c_str()) == PQPING_OK; });
}

struct PostgresqlClient::Impl {
  const std::unique_ptr<PGconn, decltype(&PQfinish)> connection;
};

PostgresqlClient::PostgresqlClient(const PostgresqlServer& server)
    : impl_(new Impl{{PQconnectdb(address(server.port()).c_str()), PQfinish}}) {
  const auto* connection = impl_->connection.get();
  if (PQstatus(connection) != CONNECTION_OK) throw std::runtime_error(PQerrorMessage(connection));
  const auto name = run("SHOW cluster_name");
  if (name == server.name()) return;
  throw Collision("postgresql: port " + std::to_string(server.port()) + " has the cluster " + name +
                  ", not " + server.name());
}

PostgresqlClient::~PostgresqlClient() = default;

std::string PostgresqlClient::run(const std::string& statement) {
  const std::unique_ptr<PGresult, Clear> result(PQexec(impl_->connection.get(), statement.c_str()));
  switch (PQresultStatus(result.get())) {
    case PGRES_COMMAND_OK:
      return {};
    case PGRES_TUPLES_OK:
      return PQntuples(result.get()) == 0 ? "" : PQgetvalue(result.get(), 0, 0);
    default:
      throw std::runtime_error(statement + ": " + PQerrorMessage(impl_->connection.get()));
  }
}
