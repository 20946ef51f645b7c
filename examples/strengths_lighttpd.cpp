// A listening socket, given to a server process by the convention of systemd's socket activation:
// it is descriptor 3, LISTEN_FDS says that there is one, and LISTEN_PID whom it is for.

#include <portpool/gtest.hpp>

#include "child_process.hpp"
#include "server_process.hpp"
#include "test_support.hpp"
#include "text_client.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <string>
#include <system_error>

namespace {

/// In a forked child: becomes `program`, with the socket as that convention has it.
void execWithSocket(int socket, const char* program, const std::string& configuration) {
  constexpr int kFirst = 3;  // sd_listen_fds(3): SD_LISTEN_FDS_START
  if (socket != kFirst) ::dup2(socket, kFirst);
  ::fcntl(kFirst, F_SETFD, 0);  // stays open in the program
  ::setenv("LISTEN_FDS", "1", 1);
  ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
  ::execl(program, program, "-D", "-f", configuration.c_str(), nullptr);
  throw std::system_error(errno, std::generic_category(), program);
}

/// So that no other program takes the port before it listens.
portpool::PortRequest held() {
  portpool::PortRequest request;
  request.hold = portpool::Hold::Shared;
  return request;
}

}  // namespace

class Lighttpd : public ::testing::Test {
 protected:
  Lighttpd() {
    std::ofstream(folder.path() / "page.txt") << token;
    std::ofstream(folder.path() / "lighttpd.conf")
        << "server.systemd-socket-activation = \"enable\"\n"
        << "server.bind = \"" << portpool::kHost << "\"\n"
        << "server.port = " << owner.port() << '\n'
        << "server.document-root = \"" << folder.path().string() << "\"\n";
  }

  const std::string token = randomToken();
  const ServerFolder folder{"lighttpd"};
  portpool::TCPPortOwner owner{held()};
  portpool::ListeningSocket socket = owner.listen();
};

TEST_F(Lighttpd, ServesOnTheSocketThatItIsGiven) {
  const ChildProcess server{[this] {
    execWithSocket(socket.nativeHandle(), PORTPOOL_LIGHTTPD, folder.path() / "lighttpd.conf");
  }};
  socket.close();  // ours: the server has its own
  // No need to wait: the socket listens already.
  const auto page = httpGet(owner.port(), "/page.txt");
  EXPECT_NE(page.find(token), std::string::npos) << page;
}
