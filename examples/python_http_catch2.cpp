// Python's http.server, each on a port and with a folder of its own, in Catch2.

#include "catch2_templates.hpp"
#include "server_process.hpp"
#include "test_support.hpp"
#include "text_client.hpp"

#include <csignal>
#include <fstream>
#include <list>
#include <string>

namespace {

/// `python3 -m http.server`, which serves the files of its folder, on the loopback address only.
class PythonHttpServer {
 public:
  /// Starts the server and waits until it listens.
  explicit PythonHttpServer(std::uint16_t port)
      : process_(port,
                 {PORTPOOL_PYTHON,
                  {"-m", "http.server", std::to_string(port), "--bind", portpool::kHost,
                   "--directory", folder_.path()}},
                 folder_.path() / "log") {
    process_.waitUntilItListens();
  }

  std::string get(const std::string& path) const { return httpGet(process_.port(), path); }

  void write(const std::string& file, const std::string& text) const {
    std::ofstream(folder_.path() / file) << text;
  }

 private:
  const ServerFolder folder_{"python"};
  ServerProcess process_;
};

bool contains(const std::string& page, const std::string& text) {
  return page.find(text) != std::string::npos;
}

class PythonHttpFixture : public portpool::catch2::PortFixture {
 protected:
  const std::string token = randomToken();
  PythonHttpServer server{getNextAvailableTCPPort()};
};

TEST_CASE_METHOD(PythonHttpFixture, "http.server serves a file") {
  server.write("page.txt", token);
  const auto page = server.get("/page.txt");
  CHECK(contains(page, " 200 OK"));
  CHECK(contains(page, token));
}

TEST_CASE_METHOD(PythonHttpFixture, "http.server lists its files") {
  server.write(token, "");
  CHECK(contains(server.get("/"), token));
}

TEST_CASE_METHOD(PythonHttpFixture, "http.server has no other files") {
  CHECK(contains(server.get('/' + token), " 404 "));
}

TEST_CASE_METHOD(PythonHttpFixture, "http.server answers many requests") {
  server.write("page.txt", token);
  for (int i = 0; i < 50; ++i) REQUIRE(contains(server.get("/page.txt"), token));
}

TEST_CASE("http.servers run side by side") {
  std::list<PythonHttpServer> servers;
  for (int i = 0; i < 3; ++i) servers.emplace_back(portpool::getNextAvailableTCPPort());
  for (const auto& server : servers) {
    const auto token = randomToken();
    server.write("page.txt", token);
    CHECK(contains(server.get("/page.txt"), token));
  }
}

TEST_CASE("http.server ends with a test that is killed") {
  const auto port = portpool::getNextAvailableTCPPort();
  waitUntilServerOfKilledProcessEnds(port, [port] {
    const PythonHttpServer started{port};
    ::raise(SIGKILL);
  });
}

}  // namespace
