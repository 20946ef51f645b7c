// Many tests at once, each with a server on a port of its own: how many of them fail for the port's
// sake. Each takes a port, starts a server on it after a pause, connects to it, checks that it is
// the server meant, and returns the port. Beside them a thread may start processes, which have a
// copy of each socket until they run their program. Prints the counts as JSON.

#include <poll.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <boost/asio.hpp>
#include <chrono>
#include <cstdint>
#include <exception>
#include <iostream>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "port_sources.hpp"
#include "process_starts.hpp"

namespace portpool::bench {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

using Token = std::uint64_t;

struct Counts {
  std::atomic<long> tests{0};
  std::atomic<long> failedBinds{0};        ///< the server cannot have its port
  std::atomic<long> misdirected{0};        ///< the client reaches the server of another test
  std::atomic<long> failedConnections{0};  ///< the client reaches no server, though its own listens
};

thread_local std::mt19937_64 random{std::random_device{}()};

/// Waits up to so many microseconds.
void waitAMoment(int longest) {
  std::this_thread::sleep_for(
      std::chrono::microseconds(std::uniform_int_distribution<int>(0, longest)(random)));
}

/// Leaves nothing behind on the port: the connection is reset, without TIME_WAIT.
void resetOnClose(tcp::socket& socket) {
  error_code ignored;
  socket.set_option(asio::socket_base::linger(true, 0), ignored);
}

/// Whether something arrives at the socket before a test gives up. Connections to a server that
/// ends just then can stay without an answer for ever.
template <class Socket>
bool isReadable(Socket& socket) {
  constexpr int kMilliseconds = 5000;
  pollfd readable{socket.native_handle(), POLLIN, 0};
  return ::poll(&readable, 1, kMilliseconds) == 1;
}

/// Answers every client with the token, until the one that `own` is the other end of.
std::vector<tcp::socket> serveUntil(const tcp::endpoint& own, tcp::acceptor& server, Token token) {
  std::vector<tcp::socket> connections;
  while (isReadable(server)) {
    auto connection = server.accept();
    resetOnClose(connection);
    error_code error;  // of a client that is gone already
    const auto client = connection.remote_endpoint(error);
    asio::write(connection, asio::buffer(&token, sizeof token), error);
    connections.push_back(std::move(connection));
    if (client == own) break;
  }
  return connections;
}

void runTest(const PortSource& source, int pause, Counts& counts) {
  ++counts.tests;
  const auto port = source();
  const Token token = random();
  waitAMoment(pause);

  asio::io_context context;
  tcp::acceptor server(context, tcp::v4());
  server.set_option(tcp::acceptor::reuse_address(true));  // as nearly all servers
  error_code bindError;
  server.bind({tcp::v4(), port.number}, bindError);
  if (!bindError) server.listen(asio::socket_base::max_listen_connections, bindError);
  if (bindError) {
    ++counts.failedBinds;
    server.close();
  }

  // A test does not know that its server failed, and connects all the same.
  tcp::socket client(context, tcp::v4());
  resetOnClose(client);
  error_code clientError;
  client.connect({asio::ip::address_v4::loopback(), port.number}, clientError);
  std::vector<tcp::socket> connections;
  Token answer = 0;
  if (!clientError) {
    if (!bindError) connections = serveUntil(client.local_endpoint(), server, token);
    if (isReadable(client)) {
      asio::read(client, asio::buffer(&answer, sizeof answer), clientError);
    } else {
      clientError = asio::error::timed_out;
    }
  }
  if (!clientError && answer != token) ++counts.misdirected;
  if (clientError && !bindError) ++counts.failedConnections;
  client.close();
}

/// How a storm is run.
struct Storm {
  int threads = 4;
  long tests = 1000;
  int pause = 2000;              ///< the longest before a server starts, in microseconds
  ProcessStart start = nullptr;  ///< how processes are started beside the tests, if at all
};

nlohmann::json run(const Storm& storm, const PortSource& source, std::atomic<long>& started) {
  Counts counts;
  std::atomic<long> left{storm.tests};
  std::atomic<bool> testing{true};
  const auto begin = std::chrono::steady_clock::now();
  std::thread starter([&] {
    while (storm.start != nullptr && testing) {
      storm.start();
      ++started;
    }
  });
  std::vector<std::thread> threads;
  for (int i = 0; i < storm.threads; ++i) {
    threads.emplace_back([&] {
      while (left-- > 0) runTest(source, storm.pause, counts);
    });
  }
  for (auto& thread : threads) thread.join();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  testing = false;
  starter.join();
  return {{"tests", counts.tests.load()},
          {"failed_binds", counts.failedBinds.load()},
          {"misdirected", counts.misdirected.load()},
          {"failed_connections", counts.failedConnections.load()},
          {"started", started.load()},
          {"seconds", seconds.count()}};
}

}  // namespace
}  // namespace portpool::bench

int main(int count, char** arguments) try {
  using namespace portpool::bench;
  std::string sourceName = "portpool";
  std::string command;
  std::string startName = "none";
  Storm storm;
  CLI::App app("Runs many tests at once, each with a server on a port of its own.");
  auto* sourceOption = app.add_option("--source", sourceName, "where the ports come from")
                           ->check(CLI::IsMember(builtInSources()))
                           ->capture_default_str();
  app.add_option("--command", command, "a program that the ports come from")
      ->excludes(sourceOption);
  app.add_option("--threads", storm.threads, "tests at a time")->capture_default_str();
  app.add_option("--tests", storm.tests, "tests in all")->capture_default_str();
  app.add_option("--pause", storm.pause,
                 "the longest between taking a port and starting its server, in microseconds")
      ->capture_default_str();
  app.add_option("--start", startName, "how to start processes all the while")
      ->check(CLI::IsMember(waysToStart()))
      ->capture_default_str();
  CLI11_PARSE(app, count, arguments);

  storm.start = waysToStart().at(startName);
  std::atomic<long> started{0};
  const auto source =
      command.empty() ? builtInSources().at(sourceName) : sourceOfCommand(command, started);
  std::cout << run(storm, source, started) << std::endl;
  return 0;
} catch (const std::exception& error) {
  std::cerr << "storm: " << error.what() << '\n';
  return 1;
}
