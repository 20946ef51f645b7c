#include <portpool/sockets.hpp>

#include <gmock/gmock.h>

#include <array>
#include <cerrno>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

#include <portpool/errors.hpp>

#include "surroundings.hpp"

namespace portpool::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;

static_assert(std::string_view(kHost) == "127.0.0.1");
static_assert(std::string_view(kHostV6) == "::1");

platform::Socket open(int family, int type = SOCK_STREAM) { return newSocket(family, type); }

/// The address that the socket is bound to, and its port.
std::pair<std::string, std::uint16_t> nameOf(const platform::Socket& socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  EXPECT_EQ(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  std::array<char, 64> host{};
  std::array<char, 8> port{};
  EXPECT_EQ(::getnameinfo(reinterpret_cast<sockaddr*>(&address), size, host.data(), host.size(),
                          port.data(), port.size(), NI_NUMERICHOST | NI_NUMERICSERV),
            0);
  return {host.data(), static_cast<std::uint16_t>(std::stoi(port.data()))};
}

// ---- bindPort -----------------------------------------------------------------------------------

TEST(BindPort, BindsAnEphemeralPortOfLoopback) {
  const auto socket = open(AF_INET);
  const auto port = bindPort(socket.get());
  const auto range = getEphemeralTCPPortRange();
  EXPECT_GE(port, range.first);
  EXPECT_LE(port, range.last);
  EXPECT_EQ(nameOf(socket), (std::pair<std::string, std::uint16_t>("127.0.0.1", port)));
  EXPECT_EQ(bindTo(open(AF_INET), "127.0.0.1", port), EADDRINUSE);
  EXPECT_EQ(::listen(socket.get(), 1), 0);
}

TEST(BindPort, BindsToTheHost) {
  struct Case {
    int family;
    const char* host;
    const char* address;
  };
  for (const auto& [family, host, address] : {Case{AF_INET, "127.0.0.2", "127.0.0.2"},
                                              {AF_INET, "localhost", "127.0.0.1"},
                                              {AF_INET, "", "0.0.0.0"},
                                              {AF_INET6, kHostV6, "::1"},
                                              {AF_INET6, "localhost", "::1"},
                                              {AF_INET6, "", "::"}}) {
    if (family == AF_INET6 && !hasIPv6()) continue;
    for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
      const auto socket = open(family, type);
      const auto port = bindPort(socket.get(), host);
      EXPECT_NE(port, 0);
      EXPECT_EQ(nameOf(socket), (std::pair<std::string, std::uint16_t>(address, port))) << host;
    }
  }
}

TEST(BindPort, RefusesATcpSocketWhosePortOthersCouldBindToo) {
  for (const int family : {AF_INET, AF_INET6}) {
    if (family == AF_INET6 && !hasIPv6()) continue;
    for (const auto& [reuse, name] :
         {std::pair{Reuse::Yes, "SO_REUSEADDR"}, std::pair{Reuse::PortOnly, "SO_REUSEPORT"}}) {
      if (reuse == Reuse::PortOnly && !hasReusePort()) continue;
      const auto socket = openSocket(family, reuse);
      EXPECT_THAT([&] { bindPort(socket.get(), "localhost"); },
                  ThrowsMessage<PortPoolError>(AllOf(StartsWith("bindPort: "), HasSubstr(name))));
      EXPECT_EQ(platform::boundAddress(socket.get()).port, 0) << "bound all the same";
    }
  }
}

TEST(BindPort, AllowsReuseOfADatagramSocket) {
  for (const auto reuse : {Reuse::Yes, Reuse::PortOnly}) {
    const auto socket = openSocket(AF_INET, reuse, SOCK_DGRAM);
    EXPECT_NE(bindPort(socket.get()), 0);
  }
}

TEST(BindPort, ABadHostIsAnErrorThatNamesIt) {
  const auto socket = open(AF_INET);
  for (const char* host : {"192.0.2.1", "misspelt..localhost", "::1"}) {
    EXPECT_THAT([&] { bindPort(socket.get(), host); },
                ThrowsMessage<HostError>(HasSubstr("host \"" + std::string(host) + '"')));
  }
  if (!hasIPv6()) return;
  const auto v6 = open(AF_INET6);
  EXPECT_THAT([&] { bindPort(v6.get()); }, ThrowsMessage<HostError>(HasSubstr("\"127.0.0.1\"")));
}

TEST(BindPort, WhatIsNoSocketToBindIsAnError) {
  EXPECT_THROW(bindPort(kNoSocket), PortPoolError);
  const auto bound = open(AF_INET);
  bindPort(bound.get());
  EXPECT_THAT([&] { bindPort(bound.get()); },
              ThrowsMessage<PortPoolError>(HasSubstr("cannot be bound to host \"127.0.0.1\"")));
}

// ---- findUnusedPort -----------------------------------------------------------------------------

struct SocketKind {
  const char* name;
  AddressFamily family;
  SocketType type;

  friend void PrintTo(const SocketKind& kind, std::ostream* out) { *out << kind.name; }
};

class FindUnusedPort : public ::testing::TestWithParam<SocketKind> {};

INSTANTIATE_TEST_SUITE_P(
    Sockets, FindUnusedPort,
    ::testing::Values(SocketKind{"AnyStream", AddressFamily::Any, SocketType::Stream},
                      SocketKind{"AnyDatagram", AddressFamily::Any, SocketType::Datagram},
                      SocketKind{"IPv4Stream", AddressFamily::IPv4, SocketType::Stream},
                      SocketKind{"IPv4Datagram", AddressFamily::IPv4, SocketType::Datagram},
                      SocketKind{"IPv6Stream", AddressFamily::IPv6, SocketType::Stream},
                      SocketKind{"IPv6Datagram", AddressFamily::IPv6, SocketType::Datagram}),
    [](const auto& kind) { return kind.param.name; });

TEST_P(FindUnusedPort, CanBeBound) {
  const auto [name, family, type] = GetParam();
  if (family == AddressFamily::IPv6 && !hasIPv6()) GTEST_SKIP() << "this machine has no IPv6";
  // Another process may take the port first: one of a few is free.
  for (int attempt = 1;; ++attempt) {
    const auto port = findUnusedPort(family, type);
    const auto range = getEphemeralTCPPortRange();
    EXPECT_GE(port, range.first);
    EXPECT_LE(port, range.last);
    const int socketType = type == SocketType::Stream ? SOCK_STREAM : SOCK_DGRAM;
    const bool isIPv4 = family == AddressFamily::IPv4 || !hasIPv6();
    const auto socket = open(isIPv4 ? AF_INET : AF_INET6, socketType);
    const char* host =
        family == AddressFamily::Any ? (isIPv4 ? "0.0.0.0" : "::") : (isIPv4 ? kHost : kHostV6);
    const int error = bindTo(socket, host, port);
    if (error == 0) break;
    ASSERT_EQ(error, EADDRINUSE);
    ASSERT_LT(attempt, 5);
  }
}

TEST(FindUnusedPortDefault, IsIPv4AndTcpByDefault) {
  checkInChild([] {
    if (!enterOwnNetwork()) throw Refused("the kernel refuses a network namespace");
    setEphemeralRange("20000 20000");
    EXPECT_EQ(findUnusedPort(), 20000);
    const auto v6 = open(AF_INET6);
    EXPECT_EQ(v6 ? bindTo(v6, "::1", 20000, true) : 0, 0);
    const auto udp = open(AF_INET, SOCK_DGRAM);
    EXPECT_EQ(bindTo(udp, "127.0.0.1", 20000), 0);
    EXPECT_EQ(findUnusedPort(), 20000);
    const auto tcp = occupy(20000, "127.0.0.1");
    EXPECT_THROW(findUnusedPort(), PortPoolError);
  });
}

}  // namespace
}  // namespace portpool::test
