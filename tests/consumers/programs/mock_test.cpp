#include <gmock/gmock.h>

#include <portpool/gtest.hpp>

#include <cstdint>

namespace {

struct Client {
  MOCK_METHOD(void, connectTo, (std::uint16_t port));
};

TEST(Mock, SeesThePort) {
  const auto port = portpool::getNextAvailableTCPPort();
  Client client;
  EXPECT_CALL(client, connectTo(port));
  client.connectTo(port);
}

}  // namespace
