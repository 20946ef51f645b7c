#include "surroundings.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <system_error>
#include <thread>

#include "fork.hpp"
#include "platform/lease.hpp"
#include "platform/posix/sockets.hpp"
#include "system/system.hpp"
#include "waiting_line.hpp"

namespace portpool::test {
namespace {

int checked(int result, const std::string& what) {
  if (result < 0) throwErrno(what);
  return result;
}

class OwnSurroundings : public ::testing::Environment {
 public:
  void SetUp() override {
    enterOwnNetwork();
    for (const auto* name :
         {"PORTPOOL_PORTS", "PYSYS_PORTS", "PORTPOOL_PORTS_FILE", "PYSYS_PORTS_FILE",
          "PORTPOOL_WAIT_SECONDS", "PORTPOOL_SEED", "PORTPOOL_VERBOSE", "PORTPOOL_HOLD",
          "PORTPOOL_LEAKS", "PORTPOOL_ISOLATE"}) {
      ::unsetenv(name);
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

PortSet freshBlock(std::size_t count) {
  static auto& pool = *new PortPool(getServerTCPPorts());
  const auto owners = pool.allocateBlock(count);
  return {{owners.front().port(), owners.back().port()}};
}

bool isLeased(std::uint16_t port) { return !platform::makeLeaseRegistry()->tryAcquire(port); }

std::string thisProcess() { return "this process, pid " + std::to_string(::getpid()); }

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
    : name_(name) {
  if (const char* before = std::getenv(name)) before_ = before;
  value ? ::setenv(name, value->c_str(), 1) : ::unsetenv(name);
}

ScopedEnvironment::~ScopedEnvironment() {
  before_ ? ::setenv(name_, before_->c_str(), 1) : ::unsetenv(name_);
}

StderrReader::StderrReader() : before_(checked(::dup(STDERR_FILENO), "dup")) {
  std::array<int, 2> ends{};
  checked(::pipe(ends.data()), "pipe");
  for (const int end : ends) checked(::fcntl(end, F_SETFD, FD_CLOEXEC), "fcntl");
  readEnd_ = ends[0];
  ::dup2(ends[1], STDERR_FILENO);
  ::close(ends[1]);
}

StderrReader::~StderrReader() {
  ::dup2(before_, STDERR_FILENO);
  ::close(before_);
  ::close(readEnd_);
}

std::string StderrReader::line() const {
  std::string line;
  for (char c = 0; c != '\n'; line += c) checked(static_cast<int>(::read(readEnd_, &c, 1)), "read");
  return line;
}

std::string StderrReader::rest() const {
  checked(::fcntl(readEnd_, F_SETFL, O_NONBLOCK), "fcntl");
  std::string text;
  for (char c = 0; ::read(readEnd_, &c, 1) == 1;) text += c;
  return text;
}

ScopedFolder::ScopedFolder() {
  auto name = (std::filesystem::temp_directory_path() / "portpool_unit_XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throwErrno("mkdtemp");
  folder_ = name;
}

ScopedFolder::~ScopedFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::string ScopedFolder::file(const std::string& name, const std::string& text) const {
  std::ofstream(path(name), std::ios::binary) << text;
  return path(name);
}

// ---- Children -----------------------------------------------------------------------------------

void checkInChild(const std::function<void()>& check) {
  const Shared<std::array<char, 200>> refusal;
  ForkedChild child([&] {
    try {
      check();
    } catch (const Refused& refused) {
      std::strncpy(refusal->data(), refused.what(), refusal->size() - 1);
    }
    if (::testing::Test::HasFailure()) throw std::runtime_error("a check failed");
  });
  EXPECT_TRUE(child.succeeds());
  if ((*refusal)[0] != '\0') GTEST_SKIP() << refusal->data();
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
  auto socket = platform::newSocket(family, type);
  checked(socket.get(), "socket");
  const auto set = [&](int option, bool isOn) {
    const int value = isOn ? 1 : 0;
    checked(::setsockopt(socket.get(), SOL_SOCKET, option, &value, sizeof value), "setsockopt");
  };
  set(SO_REUSEADDR, reuse == Reuse::Yes || reuse == Reuse::AddressAndPort);
  set(SO_REUSEPORT, reuse == Reuse::PortOnly || reuse == Reuse::AddressAndPort);
  return socket;
}

int bindTo(const platform::Socket& socket, const std::string& host, std::uint16_t port,
           bool onlyIPv6) {
  const Address address(host, port);
  if (address.family() == AF_INET6) {
    const int value = onlyIPv6 ? 1 : 0;
    ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &value, sizeof value);
  }
  return ::bind(socket.get(), address.get(), address.size()) == 0 ? 0 : errno;
}

platform::Socket occupy(std::uint16_t port, const std::string& host, Reuse reuse) {
  auto socket = openSocket(Address(host).family(), reuse);
  errno = bindTo(socket, host, port);
  if (errno != 0) throwErrno("bind " + std::to_string(port));
  return socket;
}

platform::Socket listenOn(std::uint16_t port, const std::string& host, Reuse reuse) {
  auto socket = occupy(port, host, reuse);
  checked(::listen(socket.get(), 16), "listen");
  return socket;
}

void leaveTimeWait(std::uint16_t port, const std::string& host, Reuse reuse) {
  const auto server = listenOn(port, host, reuse);
  const Address address(host, port);
  auto client = openSocket(AF_INET);
  checked(::connect(client.get(), address.get(), address.size()), "connect");
  const platform::Socket connection(checked(acceptFrom(server.get()), "accept"));
  char byte = 0;
  checked(::shutdown(connection.get(), SHUT_WR), "shutdown");
  checked(static_cast<int>(::read(client.get(), &byte, 1)), "read");
  client.close();
  // The end of the client's stream is what takes the server's side into TIME_WAIT.
  checked(static_cast<int>(::read(connection.get(), &byte, 1)), "read");
}

int bindAnew(const std::string& host, std::uint16_t port, Reuse reuse, int type) {
  return bindTo(openSocket(Address(host).family(), reuse, type), host, port);
}

int connectTo(const std::string& host, std::uint16_t port) {
  const Address address(host, port);
  const auto client = openSocket(address.family());
  return ::connect(client.get(), address.get(), address.size()) == 0 ? 0 : errno;
}

bool hasIPv6() {
  const auto socket = platform::newSocket(AF_INET6, SOCK_STREAM);
  return socket && bindTo(socket, "::1", 0) == 0;
}

}  // namespace portpool::test
