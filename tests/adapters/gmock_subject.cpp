// A program of portpool::gmock_main.

#include "promises.hpp"
#include "subject.hpp"
#include "support/network.hpp"

#include <gmock/gmock.h>

#include <portpool/gtest.hpp>

#include <cstdlib>

namespace {

class Listener {
 public:
  virtual ~Listener() = default;
  virtual void onPort(int port) = 0;
};
class MockListener : public Listener {
 public:
  MOCK_METHOD(void, onPort, (int port), (override));
};

TEST(Mock, HearsOfThePort) {
  const Bracket test("test");
  NotedServer server(portpool::getNextAvailableTCPPort());
  ::testing::StrictMock<MockListener> mock;
  EXPECT_CALL(mock, onPort(server.port()));
  static_cast<Listener&>(mock).onPort(server.port());
  EXPECT_TRUE(server.isReached());
}

// With PORTPOOL_ISOLATE.
TEST(Isolated, ServesOnHardCodedPort) {
  if (std::getenv("SUBJECT_PORT") == nullptr) return;
  note("in network " + network());
  EXPECT_TRUE(canServeOnHardCodedPort());
}

}  // namespace
