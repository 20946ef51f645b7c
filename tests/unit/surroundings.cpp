#include "surroundings.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "platform/environment.hpp"
#include "platform/lease.hpp"
#include "platform/port_users.hpp"
#include "platform/process.hpp"
#include "platform/random.hpp"
#include "waiting_line.hpp"

namespace portpool::test {
namespace {

void requireDone(bool isDone, const std::string& what) {
  if (!isDone) throw std::system_error(lastSocketError(), std::generic_category(), what);
}

int setOption(const platform::Socket& socket, int level, int option, bool isOn) {
  const int value = isOn ? 1 : 0;
  return ::setsockopt(socket.get(), level, option, reinterpret_cast<const char*>(&value),
                      sizeof value);
}

int connect(const platform::Socket& client, const Address& address) {
  return ::connect(client.get(), address.get(), address.size()) == 0 ? 0 : lastSocketError();
}

/// Waits for a byte or the end of the stream.
void receive(const platform::Socket& socket) {
  char byte = 0;
  requireDone(::recv(socket.get(), &byte, 1, 0) >= 0, "recv");
}

class OwnSurroundings : public ::testing::Environment {
 public:
  void SetUp() override {
    enterOwnNetwork();
    for (const auto* name :
         {"PORTPOOL_PORTS", "PYSYS_PORTS", "PORTPOOL_PORTS_FILE", "PYSYS_PORTS_FILE",
          "PORTPOOL_WAIT_SECONDS", "PORTPOOL_SEED", "PORTPOOL_VERBOSE", "PORTPOOL_HOLD",
          "PORTPOOL_LEAKS", "PORTPOOL_ISOLATE"}) {
      setVariable(name, std::nullopt);
    }
  }
};

[[maybe_unused]] const auto* const kRegistered =
    ::testing::AddGlobalTestEnvironment(new OwnSurroundings);

}  // namespace

// ---- This process -------------------------------------------------------------------------------

PortSet freshPorts(std::size_t count) {
  static auto& pool = *new PortPool(getServerTCPPorts());
  PortRequest request;
  request.avoidTimeWait = true;
  std::vector<TCPPortOwner> owners;
  PortSet ports;
  for (; count > 0; --count) {
    owners.push_back(pool.allocate(request));
    ports.insert(owners.back().port());
  }
  return ports;
}

std::uint16_t freshPort() { return *freshPorts(1).begin(); }

PortSet quietPorts(std::size_t count) {
  for (;;) {
    auto ports = freshPorts(count);
    const auto users = usersOfPorts(ports, UserSearch::Sockets);
    if (!users || users->empty()) return ports;
  }
}

PortSet freshBlock(std::size_t count) {
  static auto& pool = *new PortPool(getServerTCPPorts());
  const auto owners = pool.allocateBlock(count);
  return {{owners.front().port(), owners.back().port()}};
}

bool isLeased(std::uint16_t port) { return !platform::makeLeaseRegistry()->tryAcquire(port); }

std::string thisProcess() {
  return showsOwnersOfSockets() ? thisHolder()
                                : "a process that the system does not show this user";
}
std::string thisHolder() { return "this process, pid " + std::to_string(platform::pid()); }

std::uint16_t at(const PortSet& block, std::size_t i) {
  return static_cast<std::uint16_t>(block.ranges().front().first + i);
}

std::vector<std::uint16_t> consecutive(std::uint16_t first, std::size_t count) {
  std::vector<std::uint16_t> ports;
  for (std::size_t i = 0; i < count; ++i) ports.push_back(static_cast<std::uint16_t>(first + i));
  return ports;
}

PortPoolOptions impatient() {
  PortPoolOptions options;
  options.seed = 1;
  options.waitTime = std::chrono::milliseconds::zero();
  return options;
}

PortPoolOptions seeded(std::uint64_t seed) {
  auto options = impatient();
  options.seed = seed;
  return options;
}

std::vector<TCPPortOwner> allocateAll(PortPool& pool, const PortRequest& request) {
  std::vector<TCPPortOwner> owners;
  try {
    for (;;) owners.push_back(pool.allocate(request));
  } catch (const NoPortAvailableError&) {
    return owners;
  }
}

std::vector<std::uint16_t> portsOf(const std::vector<TCPPortOwner>& owners) {
  std::vector<std::uint16_t> ports;
  ports.reserve(owners.size());
  for (const auto& owner : owners) ports.push_back(owner.port());
  return ports;
}

std::vector<std::uint16_t> portsInTurn(PortPool& pool, const PortRequest& request) {
  auto owners = allocateAll(pool, request);
  auto ports = portsOf(owners);
  for (auto& owner : owners) owner.cleanup();
  return ports;
}

void untilSomebodyWaits(const PortPool& pool) {
  const auto registry = platform::makeLeaseRegistry();
  const WaitingLine line(*registry, pool.ports());
  while (!line.isAnyoneWaiting()) std::this_thread::yield();
}

ScopedEnvironment::ScopedEnvironment(const char* name, const std::optional<std::string>& value)
    : name_(name), before_(platform::variable(name)) {
  setVariable(name_, value);
}

ScopedEnvironment::~ScopedEnvironment() { setVariable(name_, before_); }

std::string StderrReader::line() const {
  std::string line;
  for (char c = 0; c != '\n'; line += c) c = pipe_.read();
  return line;
}

std::string StderrReader::rest() const {
  std::string text;
  while (pipe_.hasByte()) text += pipe_.read();
  return text;
}

ScopedFolder::ScopedFolder() {
  do {
    folder_ = std::filesystem::temp_directory_path() /
              ("portpool_unit_" + std::to_string(platform::randomNumber()));
  } while (!std::filesystem::create_directory(folder_));
  std::filesystem::permissions(folder_, std::filesystem::perms::owner_all);
}

ScopedFolder::~ScopedFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::string ScopedFolder::file(const std::string& name, const std::string& text) const {
  std::ofstream(folder_ / name, std::ios::binary) << text;
  return path(name);
}

// ---- Children -----------------------------------------------------------------------------------

void checkInFreshProcess(const std::function<void()>& check) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        check();
        std::exit(::testing::Test::HasFailure() ? 1 : 0);
      },
      ::testing::ExitedWithCode(0), "");
}

std::string Program::line() const {
  std::string text;
  for (int c = 0; (c = std::fgetc(output_.get())) != EOF && c != '\n';) {
    text += static_cast<char>(c);
  }
  return text;
}

std::string Program::all() const {
  std::string text;
  for (int c = 0; (c = std::fgetc(output_.get())) != EOF;) text += static_cast<char>(c);
  return text;
}

// ---- Programs that know nothing of portpool -----------------------------------------------------

Address::Address(const std::string& host, std::uint16_t port) {
  sockaddr_in ipv4{};
  sockaddr_in6 ipv6{};
  if (::inet_pton(AF_INET, host.c_str(), &ipv4.sin_addr) == 1) {
    ipv4.sin_family = AF_INET;
    ipv4.sin_port = htons(port);
    size_ = sizeof ipv4;
    std::memcpy(&bytes_, &ipv4, sizeof ipv4);
  } else if (::inet_pton(AF_INET6, host.c_str(), &ipv6.sin6_addr) == 1) {
    ipv6.sin6_family = AF_INET6;
    ipv6.sin6_port = htons(port);
    size_ = sizeof ipv6;
    std::memcpy(&bytes_, &ipv6, sizeof ipv6);
  } else {
    throw std::invalid_argument(host);
  }
}

platform::Socket openSocket(int family, Reuse reuse, int type) {
  auto socket = newSocket(family, type);
  requireDone(static_cast<bool>(socket), "socket");
  const bool isAddress = reuse == Reuse::Yes || reuse == Reuse::AddressAndPort;
  requireDone(setOption(socket, SOL_SOCKET, SO_REUSEADDR, isAddress) == 0, "setsockopt");
  setReusePort(socket.get(), reuse == Reuse::PortOnly || reuse == Reuse::AddressAndPort);
  return socket;
}

int bindTo(const platform::Socket& socket, const std::string& host, std::uint16_t port,
           bool onlyIPv6) {
  const Address address(host, port);
  if (address.family() == AF_INET6) setOption(socket, IPPROTO_IPV6, IPV6_V6ONLY, onlyIPv6);
  return ::bind(socket.get(), address.get(), address.size()) == 0 ? 0 : lastSocketError();
}

platform::Socket occupy(std::uint16_t port, const std::string& host, Reuse reuse) {
  auto socket = openSocket(Address(host).family(), reuse);
  requireDone(bindTo(socket, host, port) == 0, "bind " + std::to_string(port));
  return socket;
}

platform::Socket listenOn(std::uint16_t port, const std::string& host, Reuse reuse) {
  auto socket = occupy(port, host, reuse);
  requireDone(::listen(socket.get(), 16) == 0, "listen");
  return socket;
}

void leaveTimeWait(std::uint16_t port, const std::string& host, Reuse reuse) {
  const auto server = listenOn(port, host, reuse);
  auto client = openSocket(AF_INET);
  requireDone(connect(client, Address(host, port)) == 0, "connect");
  const platform::Socket connection(acceptFrom(server.get()));
  requireDone(static_cast<bool>(connection), "accept");
  endSending(connection.get());
  receive(client);
  client.close();
  receive(connection);  // the end of the client's stream takes the server's side into TIME_WAIT
}

int bindAnew(const std::string& host, std::uint16_t port, Reuse reuse, int type) {
  return bindTo(openSocket(Address(host).family(), reuse, type), host, port);
}

int connectTo(const std::string& host, std::uint16_t port) {
  const Address address(host, port);
  return connect(openSocket(address.family()), address);
}

bool hasIPv6() {
  const auto socket = newSocket(AF_INET6, SOCK_STREAM);
  return socket && bindTo(socket, "::1", 0) == 0;
}

bool canHold() { return platform::whyNoHolds() == nullptr; }

}  // namespace portpool::test
