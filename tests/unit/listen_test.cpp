// Listening sockets on ports that are owned.

#include <gmock/gmock.h>

#include <cerrno>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <portpool/adapter.hpp>
#include <portpool/portpool.hpp>

#include "surroundings.hpp"

namespace portpool::test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

static_assert(!std::is_copy_constructible_v<ListeningSocket>);
static_assert(!std::is_copy_assignable_v<ListeningSocket>);
static_assert(std::is_nothrow_move_constructible_v<ListeningSocket>);
static_assert(std::is_nothrow_move_assignable_v<ListeningSocket>);

PortRequest holding(Hold hold, AddressFamily family = AddressFamily::Any) {
  PortRequest request;
  request.hold = hold;
  request.family = family;
  return request;
}

/// Whether a connection waits to be accepted; takes it.
bool isReached(const ListeningSocket& server) {
  setNonBlocking(server.nativeHandle());
  return static_cast<bool>(platform::Socket(acceptFrom(server.nativeHandle())));
}

class Listen : public ::testing::TestWithParam<Hold> {
 protected:
  PortPool pool_{freshPorts(1), impatient()};
  TCPPortOwner owner_ = pool_.allocate(holding(GetParam()));
  std::uint16_t port_ = owner_.port();
};

std::vector<Hold> holds() {
  if (!canHold()) return {Hold::None};
  return {Hold::None, Hold::Shared, Hold::Exclusive};
}

INSTANTIATE_TEST_SUITE_P(Holds, Listen, ::testing::ValuesIn(holds()), [](const auto& hold) {
  return hold.param == Hold::None ? "None" : hold.param == Hold::Shared ? "Shared" : "Exclusive";
});

TEST_P(Listen, ReturnsASocketThatIsReached) {
  EXPECT_EQ(connectTo(kHost, port_), ECONNREFUSED);
  const auto server = owner_.listen();
  EXPECT_TRUE(isOpen(server.nativeHandle()));
  EXPECT_FALSE(isInherited(server.nativeHandle()));
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(connectTo(kHost, port_), 0);
    EXPECT_TRUE(isReached(server));
  }
  EXPECT_EQ(connectTo("127.0.0.2", port_), ECONNREFUSED) << "listens on more than its host";
}

TEST_P(Listen, LeavesNobodyThePort) {
  const auto server = owner_.listen();
  for (const auto reuse : {Reuse::No, Reuse::Yes, Reuse::PortOnly, Reuse::AddressAndPort}) {
    for (const char* host : {"127.0.0.1", "0.0.0.0"}) {
      EXPECT_EQ(bindAnew(host, port_, reuse), EADDRINUSE) << host;
    }
  }
}

TEST_P(Listen, CanBeDoneAgain) {
  for (int start = 0; start < 3; ++start) {
    const auto server = owner_.listen();
    ASSERT_EQ(connectTo(kHost, port_), 0);
    EXPECT_TRUE(isReached(server));  // closed by the server first: TIME_WAIT
  }
  EXPECT_EQ(connectTo(kHost, port_), ECONNREFUSED);
  EXPECT_EQ(bindAnew("127.0.0.2", port_), GetParam() == Hold::None ? 0 : EADDRINUSE)
      << "a hold stays when the socket is closed";
}

TEST_P(Listen, ReturnsASocketThatOutlivesTheOwner) {
  const auto server = owner_.listen();
  owner_.cleanup();
  EXPECT_EQ(connectTo(kHost, port_), 0);
  EXPECT_TRUE(isReached(server));
  EXPECT_THROW(pool_.allocate(), NoPortAvailableError);
}

TEST_P(Listen, IsPossibleOnEveryHost) {
  struct Case {
    const char* host;
    std::vector<const char*> reached;
    std::vector<const char*> refused;
  };
  const bool both = hasIPv6();
  for (const auto& [host, reached, refused] :
       {Case{"127.0.0.1", {"127.0.0.1"}, {"127.0.0.2", "::1"}},
        {"127.0.0.2", {"127.0.0.2"}, {"127.0.0.1"}},
        {"localhost", {"127.0.0.1"}, {"127.0.0.2"}},
        {"0.0.0.0", {"127.0.0.1", "127.0.0.2"}, {"::1"}},
        {"::1", {"::1"}, {"127.0.0.1"}},
        {"", {"127.0.0.1", "127.0.0.2", "::1"}, {}}}) {
    SCOPED_TRACE(host);
    if (!both && std::string(host) == "::1") continue;
    const auto server = owner_.listen(host);
    for (const char* client : reached) {
      if (!both && std::string(client) == "::1") continue;
      EXPECT_EQ(connectTo(client, port_), 0) << client;
      EXPECT_TRUE(isReached(server)) << client;
    }
    for (const char* client : refused) EXPECT_NE(connectTo(client, port_), 0) << client;
  }
}

TEST_P(Listen, OnABadHostIsAnErrorThatNamesIt) {
  for (const char* host : {"192.0.2.1", "misspelt..localhost"}) {
    EXPECT_THAT([&] { owner_.listen(host); },
                ThrowsMessage<HostError>(HasSubstr('"' + std::string(host) + '"')));
  }
  EXPECT_NO_THROW(owner_.listen());
}

TEST_P(Listen, AfterCleanupIsAnError) {
  owner_.cleanup();
  EXPECT_THAT([&] { owner_.listen(); },
              ThrowsMessage<PortPoolError>(HasSubstr("this owner owns no port")));
}

TEST(Listen, IsOfTheFamilyOfTheOwner) {
  if (!hasIPv6()) GTEST_SKIP() << "this machine has no IPv6";
  PortPool pool(freshPorts(2), impatient());
  const auto hold = canHold() ? Hold::Shared : Hold::None;
  auto v4 = pool.allocate(holding(hold, AddressFamily::IPv4));
  auto v6 = pool.allocate(holding(hold, AddressFamily::IPv6));
  const auto v4Server = v4.listen(""), v6Server = v6.listen("");
  EXPECT_EQ(connectTo("127.0.0.1", v4.port()), 0);
  EXPECT_NE(connectTo("::1", v4.port()), 0);
  EXPECT_EQ(connectTo("::1", v6.port()), 0);
  EXPECT_NE(connectTo("127.0.0.1", v6.port()), 0);
  EXPECT_THROW(v4.listen("::1"), HostError);
  EXPECT_THROW(v6.listen("127.0.0.1"), HostError);
}

TEST(Listen, OnAPortThatWasOnlyLeasedAndIsTakenIsAnErrorThatSaysWhatToDo) {
  PortPool pool(freshPorts(1), impatient());
  auto owner = pool.allocate();
  for (const auto reuse : {Reuse::No, Reuse::Yes}) {
    const auto foreign = listenOn(owner.port(), "0.0.0.0", reuse);
    EXPECT_THAT(
        [&] { owner.listen(); },
        ThrowsMessage<PortPoolError>(AllOf(
            HasSubstr("another program took port " + std::to_string(owner.port())),
            HasSubstr("\"localhost\""), HasSubstr("Hold::Shared"), HasSubstr(thisProcess()))));
  }
  EXPECT_NO_THROW(owner.listen());
}

TEST(Listen, IsOnTheLoopbackAddressOfTheFamilyByDefault) {
  if (!hasIPv6()) GTEST_SKIP() << "this machine has no IPv6";
  PortPool pool(freshPorts(2), impatient());
  PortRequest request;
  request.family = AddressFamily::IPv6;
  auto owner = pool.allocate(request);
  const auto v6 = owner.listen();
  EXPECT_EQ(connectTo("::1", v6.port()), 0);
  auto other = pool.allocate();
  const auto v4 = other.listen();
  EXPECT_EQ(connectTo("127.0.0.1", v4.port()), 0);
}

TEST(Listen, HasTheBacklog) {
  PortPool pool(freshPorts(1), impatient());
  auto owner = pool.allocate();
  // Linux takes one connection more than the backlog; the next is neither accepted nor refused.
  const auto server = owner.listen(kHost, 0);
  const auto connect = [&] {
    auto client = openSocket(AF_INET);
    setNonBlocking(client.get());
    const Address address(kHost, owner.port());
    // One that finds no room stays under way, which is what is tested.
    static_cast<void>(::connect(client.get(), address.get(), address.size()));
    return client;
  };
  const auto first = connect(), second = connect();
  EXPECT_TRUE(isReached(server));
  EXPECT_FALSE(isReached(server));
}

// ---- ListeningSocket ----------------------------------------------------------------------------

TEST(ListeningSocket, ClosesItsDescriptorOnce) {
  const auto descriptor = openSocket(AF_INET).release();
  {
    ListeningSocket socket(descriptor);
    EXPECT_EQ(socket.nativeHandle(), descriptor);
  }
  EXPECT_FALSE(isOpen(descriptor));

  ListeningSocket socket(openSocket(AF_INET).release());
  socket.close();
  EXPECT_EQ(socket.nativeHandle(), kNoSocket);
  const auto other = openSocket(AF_INET);  // gets the number that is free again
  socket.close();
  EXPECT_TRUE(isOpen(other.get()));
}

TEST(ListeningSocket, GivesItsDescriptorAway) {
  NativeSocket descriptor = kNoSocket;
  {
    ListeningSocket socket(openSocket(AF_INET).release());
    descriptor = socket.nativeHandle();
    EXPECT_EQ(socket.release(), descriptor);
    EXPECT_EQ(socket.nativeHandle(), kNoSocket);
    EXPECT_EQ(socket.release(), kNoSocket);
  }
  EXPECT_TRUE(isOpen(descriptor));
  ListeningSocket(descriptor).close();
}

TEST(ListeningSocket, IsMoved) {
  ListeningSocket first(openSocket(AF_INET).release()), second(openSocket(AF_INET).release());
  const auto one = first.nativeHandle(), two = second.nativeHandle();
  second = std::move(first);
  EXPECT_FALSE(isOpen(two));
  EXPECT_EQ(second.nativeHandle(), one);
  // NOLINTNEXTLINE(bugprone-use-after-move, clang-analyzer-cplusplus.Move): it has no socket
  EXPECT_EQ(first.nativeHandle(), kNoSocket);
  const ListeningSocket third(std::move(second));
  EXPECT_EQ(third.nativeHandle(), one);
  EXPECT_TRUE(isOpen(one));
}

TEST(ListeningSocket, HasNoPortWithoutASocket) {
  ListeningSocket socket(openSocket(AF_INET).release());
  EXPECT_EQ(socket.port(), 0);
  socket.close();
  EXPECT_THAT([&] { socket.port(); }, ThrowsMessage<PortPoolError>(HasSubstr("ask for it before")));
}

TEST(ListeningSocket, MovedToItselfKeepsItsDescriptor) {
  ListeningSocket socket(openSocket(AF_INET).release());
  auto& same = socket;
  socket = std::move(same);
  EXPECT_TRUE(isOpen(socket.nativeHandle()));
}

TEST(ListeningSocket, CanBeHadFromTheScope) {
  std::uint16_t inner = 0, outer = 0;
  {
    const PortScope scope;
    const auto other = getListeningTCPSocket("127.0.0.2", 4);
    const PortScope within;
    const auto socket = getListeningTCPSocket();
    inner = socket.port();
    outer = other.port();
    EXPECT_THAT(within.ports(), ElementsAre(inner));
    EXPECT_THAT(scope.ports(), ElementsAre(outer));
    EXPECT_EQ(connectTo(kHost, inner), 0);
    EXPECT_TRUE(isReached(socket));
    EXPECT_EQ(connectTo("127.0.0.2", outer), 0);
    EXPECT_TRUE(isReached(other));
    EXPECT_EQ(connectTo(kHost, outer), ECONNREFUSED);
    EXPECT_EQ(bindAnew("127.0.0.3", outer), canHold() ? EADDRINUSE : 0)
        << "the rest of the port is held, or is not";
  }
  EXPECT_EQ(bindAnew("127.0.0.3", inner, Reuse::Yes), 0);
  EXPECT_EQ(bindAnew("127.0.0.3", outer, Reuse::Yes), 0);
  EXPECT_THROW(getListeningTCPSocket("192.0.2.1"), HostError);
}

}  // namespace
}  // namespace portpool::test
