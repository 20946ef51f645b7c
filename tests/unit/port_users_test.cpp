#include <portpool/port_users.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include <portpool/portpool.hpp>

#include "surroundings.hpp"
#include "system/system.hpp"

namespace portpool::test {
namespace {

// Between two looks of a search, a socket may end. And while a search looks at a socket it stays
// open for an instant after its owner closes it, so that the port is busy for the owner's next one.
TEST(UsersOfPorts, AreKnownThoughSocketsComeAndGo) {
  if (!showsOwnersOfSockets()) GTEST_SKIP() << "the system does not show who has a socket";
  const auto port = freshPort();
  std::atomic<bool> isOver = false;
  std::thread server([&] {
    while (!isOver) {
      const auto socket = openSocket(AF_INET);
      if (bindTo(socket, "127.0.0.1", port) == 0) ::listen(socket.get(), 1);
    }
  });
  for (int i = 0; i < 100; ++i) {
    const auto users = usersOfPorts({{port, port}}, UserSearch::Sockets);
    for (const auto& user : users.value()) {
      EXPECT_TRUE(user.isThisProcess || user.use == PortUser::Use::Lingers) << user.process();
    }
  }
  isOver = true;
  server.join();
}

}  // namespace
}  // namespace portpool::test
