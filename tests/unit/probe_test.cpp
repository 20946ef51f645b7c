// An error of a bind that is none of those expected.

#include <gmock/gmock.h>

#include <cerrno>
#include <string>

#include <portpool/portpool.hpp>

#include "bind_log.hpp"
#include "surroundings.hpp"

namespace portpool::test {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

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
