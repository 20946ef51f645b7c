// What macOS lacks says so.

#include <gmock/gmock.h>

#include <portpool/errors.hpp>
#include <portpool/isolation.hpp>
#include <portpool/portpool.hpp>

#include "surroundings.hpp"

namespace portpool::test {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(MissingFeature, IsolationIsAnError) {
  EXPECT_THAT([] { isolate(); }, ThrowsMessage<IsolationError>(HasSubstr("no network namespaces")));
}

TEST(MissingFeature, AHoldIsAnError) {
  PortPool pool(freshPorts(1), impatient());
  for (const auto hold : {Hold::Shared, Hold::Exclusive}) {
    PortRequest request;
    request.hold = hold;
    EXPECT_THAT([&] { pool.allocate(request); },
                ThrowsMessage<PortPoolError>(HasSubstr("this system cannot hold ports")));
  }
}

}  // namespace
}  // namespace portpool::test
