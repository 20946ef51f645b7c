#include "redis_server.hpp"

#include "server_process.hpp"
#include "test_support.hpp"

#include <hiredis/hiredis.h>

#include <algorithm>

namespace {

struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using Connection = std::unique_ptr<redisContext, decltype(&redisFree)>;

constexpr timeval kPatience{30, 0};

/// Null if nobody listens.
Connection connect(std::uint16_t port) {
  Connection connection(redisConnectWithTimeout("127.0.0.1", port, kPatience), redisFree);
  if (!connection || connection->err != 0) return {nullptr, redisFree};
  redisSetTimeout(connection.get(), kPatience);
  return connection;
}

std::string run(redisContext& connection, const std::vector<std::string>& words) {
  std::vector<const char*> texts;
  std::vector<std::size_t> sizes;
  for (const auto& word : words) {
    texts.push_back(word.data());
    sizes.push_back(word.size());
  }
  const std::unique_ptr<redisReply, FreeReply> reply(static_cast<redisReply*>(
      redisCommandArgv(&connection, static_cast<int>(words.size()), texts.data(), sizes.data())));
  if (!reply) throw std::runtime_error(words.front() + ": " + connection.errstr);
  if (reply->type == REDIS_REPLY_INTEGER) return std::to_string(reply->integer);
  std::string text = reply->str == nullptr ? "" : std::string(reply->str, reply->len);
  if (reply->type == REDIS_REPLY_ERROR) throw std::runtime_error(words.front() + ": " + text);
  return text;
}

/// Throws Collision unless the server at the other end is the process `pid`.
void checkPid(redisContext& connection, std::uint16_t port, int pid) {
  const auto expected = "process_id:" + std::to_string(pid);
  std::string answer;
  try {
    const auto info = run(connection, {"INFO", "server"});
    answer = info.substr(std::min(info.find("process_id:"), info.size()));
    answer = answer.substr(0, answer.find('\r'));
  } catch (const std::runtime_error& error) {
    answer = error.what();  // of a server that is not redis
  }
  if (answer == expected) return;
  throw Collision("redis: port " + std::to_string(port) + " answers \"" + answer + "\", not \"" +
                  expected + '"');
}

}  // namespace

struct RedisServer::Impl {
  explicit Impl(std::uint16_t number) : port(number) {
    process.waitUntil([&] {
      const auto connection = connect(port);
      if (connection) checkPid(*connection, port, process.pid());
      return connection != nullptr;
    });
  }

  const std::uint16_t port;
  const ServerFolder folder{"redis"};
  ServerProcess process{port,
                        {PORTPOOL_REDIS_SERVER,
                         {"--port", std::to_string(port), "--bind", "127.0.0.1", "-::1", "--dir",
                          folder.path().string(), "--save", "", "--repl-diskless-sync-delay", "0"}},
                        folder.path() / "log"};
};

RedisServer::RedisServer(std::uint16_t port) : impl_(std::make_unique<Impl>(port)) {}

RedisServer::~RedisServer() = default;

std::uint16_t RedisServer::port() const { return impl_->port; }
int RedisServer::pid() const { return impl_->process.pid(); }

struct RedisClient::Impl {
  Connection connection;
};

RedisClient::RedisClient(const RedisServer& server) : impl_(new Impl{connect(server.port())}) {
  if (!impl_->connection) {
    throw std::runtime_error("nobody listens on port " + std::to_string(server.port()));
  }
  checkPid(*impl_->connection, server.port(), server.pid());
}

RedisClient::~RedisClient() = default;

std::string RedisClient::command(const std::vector<std::string>& words) {
  return run(*impl_->connection, words);
}
