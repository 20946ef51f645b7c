// Ports that this user may not bind.

#include <gmock/gmock.h>

#include <cerrno>
#include <chrono>
#include <string>

#include <portpool/portpool.hpp>

#include "bind_log.hpp"
#include "fork.hpp"
#include "surroundings.hpp"

namespace portpool::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(Probe, OfPortsThatThisUserMayNotBindSaysSoAtOnce) {
  for (const int error : {EACCES, EPERM}) {
    PortPool pool(freshPorts(3));  // which waits
    BindLog log;
    log.before = [&](const std::string& call) {
      return call.rfind("probe", 0) == 0 && call != "probe 0" ? error : 0;
    };
    const auto all = AllOf(HasSubstr("may not bind any port of the pool"),
                           HasSubstr("net.ipv4.ip_unprivileged_port_start"));
    EXPECT_THAT([&] { pool.allocate(); }, ThrowsMessage<NoPortAvailableError>(all));
    EXPECT_THAT([&] { pool.allocateSeveral(2); }, ThrowsMessage<NoPortAvailableError>(all));
  }
}

TEST(Probe, OfAPortThatThisUserMayNotBindTakesAnother) {
  PortPool pool(freshPorts(3), impatient());
  const auto forbidden = "probe " + std::to_string(*pool.ports().begin());
  BindLog log;
  log.before = [&](const std::string& call) { return call == forbidden ? EACCES : 0; };
  EXPECT_EQ(allocateAll(pool).size(), 2U);
}

TEST(Probe, OfPrivilegedPortsSaysSoAtOnce) {
  checkInChild([] {
    becomeUser(1);
    PortPool pool(PortSet{{610, 620}});
    EXPECT_THAT([&] { pool.allocate(); }, ThrowsMessage<NoPortAvailableError>(
                                              HasSubstr("net.ipv4.ip_unprivileged_port_start")));
  });
}

TEST(Block, ThatWaitsForALeaseIsNotForbiddenByThePortsBesideIt) {
  constexpr std::size_t kForbidden = 8;
  const auto ports = freshBlock(12);
  const auto owners = PortPool({{at(ports, kForbidden), at(ports, 11)}}).allocateBlock(4);
  BindLog log;
  log.before = [&](const std::string& call) {
    for (std::size_t i = 0; i < kForbidden; ++i) {
      if (call == "probe " + std::to_string(at(ports, i))) return EACCES;
    }
    return 0;
  };
  PortPoolOptions options;
  options.waitTime = std::chrono::milliseconds(100);
  PortPool pool(ports, options);
  EXPECT_THAT([&] { pool.allocateBlock(3); },
              ThrowsMessage<NoPortAvailableError>(HasSubstr("became free in")));
}

}  // namespace
}  // namespace portpool::test
