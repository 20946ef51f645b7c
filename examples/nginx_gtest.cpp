// nginx processes, each with a configuration and a folder of its own, in GoogleTest.

#include <portpool/gtest.hpp>

#include "server_process.hpp"
#include "test_support.hpp"
#include "text_client.hpp"

#include <gmock/gmock.h>

#include <csignal>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

using ::testing::AllOf;
using ::testing::HasSubstr;

namespace {

/// An nginx process that serves the files of its folder, on the loopback address only.
class NginxServer {
 public:
  /// Starts the server and waits until it listens. `location` is a part of its configuration.
  explicit NginxServer(std::uint16_t port, const std::string& location = "") : port_(port) {
    write("nginx.conf", configuration(location));
    process_.emplace(
        port,
        ServerCommand{PORTPOOL_NGINX, {"-p", folder_.path(), "-e", "stderr", "-c", "nginx.conf"}},
        folder_.path() / "log");
    process_->waitUntilItListens();
  }

  std::uint16_t port() const { return port_; }

  void write(const std::string& file, const std::string& text) const {
    std::ofstream(folder_.path() / file) << text;
  }

 private:
  /// All that nginx writes is in its folder, and it is one process, since workers would outlive a
  /// master that is killed.
  std::string configuration(const std::string& location) const {
    std::ostringstream text;
    text << "daemon off;\n"
         << "master_process off;\n"
         << "pid nginx.pid;\n"
         << "error_log stderr;\n"
         << "events {}\n"
         << "http {\n"
         << "  access_log off;\n";
    for (const std::string module : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"}) {
      text << "  " << module << "_temp_path " << module << ";\n";
    }
    text << "  server {\n"
         << "    listen " << portpool::kHost << ':' << port_ << ";\n"
         << "    root " << folder_.path().string() << ";\n"
         << "    " << location << '\n'
         << "  }\n"
         << "}\n";
    return text.str();
  }

  const std::uint16_t port_;
  const ServerFolder folder_{"nginx"};
  std::optional<ServerProcess> process_;
};

class NginxFixture : public portpool::gtest::PortFixture<> {
 protected:
  const std::string token = randomToken();
  NginxServer server{getNextAvailableTCPPort()};
};

TEST_F(NginxFixture, ServesAFile) {
  server.write("page.txt", token);
  EXPECT_THAT(httpGet(server.port(), "/page.txt"), AllOf(HasSubstr(" 200 OK"), HasSubstr(token)));
}

TEST_F(NginxFixture, HasNoOtherFiles) {
  EXPECT_THAT(httpGet(server.port(), '/' + token), HasSubstr(" 404 Not Found"));
}

TEST_F(NginxFixture, ServesManyRequests) {
  server.write("page.txt", token);
  for (int i = 0; i < 200; ++i) {
    ASSERT_THAT(httpGet(server.port(), "/page.txt"), HasSubstr(token));
  }
}

TEST_F(NginxFixture, IsReachedThroughAnother) {
  server.write("page.txt", token);
  const NginxServer front{getNextAvailableTCPPort(), "location / { proxy_pass http://127.0.0.1:" +
                                                         std::to_string(server.port()) + "; }"};
  EXPECT_THAT(httpGet(front.port(), "/page.txt"), HasSubstr(token));
}

TEST(NginxOwner, KeepsThePortForTheNextServer) {
  portpool::TCPPortOwner owner;
  for (int restart = 0; restart < 3; ++restart) {
    const auto token = randomToken();
    const NginxServer server{owner.port()};
    server.write("page.txt", token);
    ASSERT_THAT(httpGet(owner.port(), "/page.txt"), HasSubstr(token));
  }
}

TEST_F(NginxFixture, EndsWithATestThatIsKilled) {
  const auto port = getNextAvailableTCPPort();
  waitUntilServerOfKilledProcessEnds(port, [port] {
    const NginxServer started{port};
    ::raise(SIGKILL);
  });
}

}  // namespace
