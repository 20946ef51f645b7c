// Which errors of a bind mean what.

#include "probe.hpp"

#include <gmock/gmock.h>

#include <cerrno>
#include <string>
#include <vector>

#include <portpool/portpool.hpp>

#include "bind_log.hpp"
#include "fork.hpp"
#include "surroundings.hpp"

namespace portpool::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(Probe, IsExclusiveAfterOneThatWasNot) {
  const auto used = freshPort(), lingering = freshPort();
  leaveTimeWait(used);
  const auto server = listenOn(used, "127.0.0.1", Reuse::Yes);
  leaveTimeWait(lingering);
  Probe probe{PortRequest()};
  EXPECT_EQ(probe.isFree(used, Probe::Mode::BesidesLingering), Probe::Result::Busy);
  EXPECT_EQ(probe.isFree(lingering), Probe::Result::Busy);
  EXPECT_EQ(probe.isFree(lingering, Probe::Mode::BesidesLingering), Probe::Result::Free);
  EXPECT_EQ(probe.isFree(lingering), Probe::Result::Busy);
}

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

TEST(Probe, ThatFailsOtherwiseIsAnError) {
  PortPool pool(freshPorts(1), impatient());
  {
    BindLog log;
    log.before = [](const std::string& call) { return call[0] == 'p' ? ENOBUFS : 0; };
    EXPECT_THAT([&] { pool.allocate(); }, ThrowsMessage<PortPoolError>(HasSubstr("bind to port")));
  }
  EXPECT_NE(pool.allocate().port(), 0);
}

}  // namespace
}  // namespace portpool::test
