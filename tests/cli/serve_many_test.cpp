// Many clients of `portpool serve` at once, which are killed in between.

#include "port_server_process.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <portpool/portpool.hpp>

#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <new>
#include <random>
#include <sstream>
#include <string>

namespace portpool::test {
namespace {

/// A process, and not another that has its pid later: the system has few pids, and this test starts
/// thousands of processes.
struct alignas(std::uint64_t) Holder {  // aligned so that std::atomic<Holder> needs no lock
  pid_t pid = 0;
  std::uint32_t start = 0;  // in ticks of the clock since the system's start

  bool operator==(const Holder& other) const { return pid == other.pid && start == other.start; }
};

/// What all clients see.
struct Shared {
  std::atomic<int> answered{0};
  std::atomic<int> refused{0};
  std::atomic<int> givenTwice{0};
  std::array<std::atomic<Holder>, 65536> holders{};  // the last of each port
};

Shared& makeShared() {
  auto* memory =
      ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  return *new (memory) Shared;
}

/// The process with this pid, or the empty Holder if it has ended, even if it is still a zombie.
Holder findProcess(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text, '\0');
  const auto name = text.rfind(") ");
  if (name == std::string::npos || text[name + 2] == 'Z' || text[name + 2] == 'X') return {};
  std::istringstream fields(text.substr(name + 2));
  std::string other;
  for (int i = 0; i < 19; ++i) fields >> other;
  Holder process{pid};
  fields >> process.start;
  return process;
}

/// A client that asks for so many ports, which are its own until it ends.
[[noreturn]] void runClient(const std::string& address, int count, Shared& shared) {
  const auto self = findProcess(::getpid());
  for (int i = 0; i < count; ++i) {
    const auto port = draw(address, self.pid);
    ++(port == 0 ? shared.refused : shared.answered);
    if (port == 0) continue;
    const auto before = shared.holders.at(port).exchange(self);
    if (before.pid != 0 && findProcess(before.pid) == before) ++shared.givenTwice;
  }
  ::_exit(0);
}

/// Few enough for each to be given several times, and more than all clients have at once.
PortSet somePorts() {
  constexpr std::size_t kCount = 2000;
  const auto all = getServerTCPPorts();
  auto skipped = std::random_device()() % (all.size() - kCount);
  PortSet some;
  for (const auto port : all) {
    if (skipped > 0) {
      --skipped;
    } else if (some.size() < kCount) {
      some.insert(port);
    }
  }
  return some;
}

class ServeMany : public ::testing::Test {
 protected:
  static constexpr std::size_t kClients = 64;

  /// How many ports a client asks for: some live until ports of the others are given again.
  static constexpr int portsOf(std::size_t client) { return client % 8 == 0 ? 80 : 10; }

  /// Starts clients, and kills some, until so many requests are answered.
  void run(int requests) {
    std::minstd_rand random;
    std::array<pid_t, kClients> clients{};
    while (shared.answered < requests) {
      for (std::size_t i = 0; i < kClients; ++i) {
        auto& client = clients.at(i);
        if (client != 0 && ::waitpid(client, nullptr, WNOHANG) == 0) continue;
        client = 0;
        if (const auto other = clients.at(random() % kClients); other != 0 && random() % 4 == 0) {
          ::kill(other, SIGKILL);
        }
        client = ::fork();
        if (client == 0) runClient(address, portsOf(i), shared);
      }
    }
    for (const auto client : clients) ::waitpid(client, nullptr, 0);
  }

  const std::string address = newAddress();
  std::unique_ptr<PortServerProcess> server = serveAt(address, {"--ports", somePorts().toString()});
  Shared& shared = makeShared();
};

TEST_F(ServeMany, GetsNoPortTwiceAndLosesNone) {
  const auto* requests = std::getenv("SERVE_TEST_REQUESTS");
  run(requests != nullptr ? std::stoi(requests) : 5000);
  EXPECT_EQ(shared.givenTwice, 0);
  for (std::size_t port = 0; port < shared.holders.size(); ++port) {
    if (shared.holders.at(port).load().pid != 0) awaitReturnOf(static_cast<std::uint16_t>(port));
  }
  EXPECT_EQ(server->end(SIGTERM), 0);
  EXPECT_EQ(shared.refused, 0) << server->said();
  RecordProperty("answered", shared.answered);
}

}  // namespace
}  // namespace portpool::test
