// Which requests avoid which sockets of programs that know nothing of portpool.

#include <gmock/gmock.h>

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <portpool/portpool.hpp>

#include "surroundings.hpp"

namespace portpool::test {
namespace {

using ::testing::ElementsAreArray;

struct Request {
  const char* name;
  PortRequest request;
};

const std::vector<Request>& requests() {
  static const std::vector<Request> all = {
      {"default", {}},
      {"IPv4", {{"", "localhost"}, AddressFamily::IPv4}},
      {"IPv6", {{"", "localhost"}, AddressFamily::IPv6}},
      {"localhost", {{"localhost"}}},
      {"localhost IPv4", {{"localhost"}, AddressFamily::IPv4}},
      {"localhost IPv6", {{"localhost"}, AddressFamily::IPv6}},
      {"127.0.0.1", {{"127.0.0.1"}}},
      {"127.0.0.2", {{"127.0.0.2"}}},
      {"127.0.0.2 and ::1", {{"127.0.0.2", "::1"}}},
      {"0.0.0.0", {{"0.0.0.0"}}},
      {"::1", {{"::1"}}},
      {"::", {{"::"}}},
      {":: IPv6", {{"::"}, AddressFamily::IPv6}},
  };
  return all;
}

struct Foreign {
  const char* name;
  const char* host;
  bool onlyIPv6;
  std::vector<std::string> avoidedBy;  // names of requests

  friend void PrintTo(const Foreign& foreign, std::ostream* out) { *out << foreign.host; }
};

class ForeignSocket : public ::testing::TestWithParam<Foreign> {
 protected:
  static void expectAvoided(bool listens) {
    const bool isIPv6 = std::string_view(GetParam().host).find(':') != std::string_view::npos;
    if (isIPv6 && !hasIPv6()) GTEST_SKIP() << "this machine has no IPv6";
    const auto port = freshPort();
    const auto socket = openSocket(isIPv6 ? AF_INET6 : AF_INET);
    ASSERT_EQ(bindTo(socket, GetParam().host, port, GetParam().onlyIPv6), 0);
    ASSERT_EQ(listens ? ::listen(socket.get(), 1) : 0, 0);
    std::vector<std::string> avoidedBy;
    for (const auto& [name, request] : requests()) {
      if (request.family != AddressFamily::IPv4 && !hasIPv6()) continue;
      PortPool pool(PortSet{{port, port}}, impatient());
      if (allocateAll(pool, request).empty()) avoidedBy.emplace_back(name);
    }
    EXPECT_THAT(avoidedBy, ElementsAreArray(GetParam().avoidedBy));
  }
};

INSTANTIATE_TEST_SUITE_P(
    CrowdedMachine, ForeignSocket,
    ::testing::Values(
        Foreign{"EveryIPv4",
                "0.0.0.0",
                false,
                {"default", "IPv4", "localhost", "localhost IPv4", "127.0.0.1", "127.0.0.2",
                 "127.0.0.2 and ::1", "0.0.0.0", "::"}},
        Foreign{"Loopback",
                "127.0.0.1",
                false,
                {"default", "IPv4", "localhost", "localhost IPv4", "127.0.0.1", "0.0.0.0", "::"}},
        Foreign{"OtherLoopback",
                "127.0.0.2",
                false,
                {"default", "IPv4", "127.0.0.2", "127.0.0.2 and ::1", "0.0.0.0", "::"}},
        Foreign{"DualStack",
                "::",
                false,
                {"default", "IPv4", "IPv6", "localhost", "localhost IPv4", "localhost IPv6",
                 "127.0.0.1", "127.0.0.2", "127.0.0.2 and ::1", "0.0.0.0", "::1", "::", ":: IPv6"}},
        Foreign{"EveryIPv6",
                "::",
                true,
                {"default", "IPv6", "localhost", "localhost IPv6", "127.0.0.2 and ::1", "::1",
                 "::", ":: IPv6"}},
        Foreign{"LoopbackV6",
                "::1",
                false,
                {"default", "IPv6", "localhost", "localhost IPv6", "127.0.0.2 and ::1", "::1",
                 "::", ":: IPv6"}}),
    [](const auto& foreign) { return foreign.param.name; });

TEST_P(ForeignSocket, ThatListensIsAvoidedWhereItMatters) { expectAvoided(true); }
TEST_P(ForeignSocket, ThatIsOnlyBoundIsAvoidedWhereItMatters) { expectAvoided(false); }

}  // namespace
}  // namespace portpool::test
