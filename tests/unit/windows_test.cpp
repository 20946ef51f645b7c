// What Windows promises, and what it lacks says so.

#include <gmock/gmock.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <ostream>
#include <string>
#include <vector>

#include <portpool/adapter.hpp>
#include <portpool/portpool.hpp>

#include "platform/files.hpp"
#include "platform/port_users.hpp"
#include "platform/process.hpp"
#include "platform/socket.hpp"
#include "platform/windows/program_output.hpp"
#include "platform/windows/text.hpp"
#include "probe.hpp"
#include "surroundings.hpp"
#include "windows/started_program.hpp"

namespace portpool::test {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;

// ---- What it lacks ------------------------------------------------------------------------------

TEST(MissingFeature, AHoldIsAnError) {
  PortPool pool(freshPorts(2), impatient());
  const auto saysSo =
      ThrowsMessage<PortPoolError>(AllOf(HasSubstr("this system cannot hold ports: on Windows"),
                                         HasSubstr("Hold::None"), HasSubstr("PORTPOOL_HOLD")));
  for (const auto hold : {Hold::Shared, Hold::Exclusive}) {
    PortRequest request;
    request.hold = hold;
    EXPECT_THAT([&] { pool.allocate(request); }, saysSo);
    EXPECT_THAT([&] { pool.allocateBlock(1, request); }, saysSo);
  }
  EXPECT_THAT([] { getRefusedTCPPort(); }, saysSo);
  auto options = impatient();
  options.hold = true;
  EXPECT_THAT([&] { PortPool(pool.ports(), options).allocate(); }, saysSo);
  EXPECT_EQ(pool.statistics().lifetimeTotal, 0U);
}

TEST(MissingFeature, IsolationIsAnError) {
  checkInChild([] {
    EXPECT_THAT([] { isolate(); },
                ThrowsMessage<IsolationError>(HasSubstr("Windows has no network")));
    setVariable("PORTPOOL_ISOLATE", "1");
    const StderrReader stderrReader;
    EXPECT_FALSE(isolateIfRequested());
    EXPECT_THAT(stderrReader.rest(),
                AllOf(StartsWith("portpool: cannot isolate this process: Windows"),
                      HasSubstr("PORTPOOL_ISOLATE=try")));
    setVariable("PORTPOOL_ISOLATE", "try");
    EXPECT_TRUE(isolateIfRequested());
    EXPECT_THAT(stderrReader.rest(), StartsWith("portpool: warning: cannot isolate this process"));
  });
}

// ---- Sockets ------------------------------------------------------------------------------------

DWORD optionOf(NativeSocket socket, int option) {
  DWORD value = 0;
  int size = sizeof value;
  EXPECT_EQ(::getsockopt(socket, SOL_SOCKET, option, reinterpret_cast<char*>(&value), &size), 0);
  return value;
}

TEST(ExclusiveSocket, IsEachThatPortpoolBinds) {
  const auto opened = platform::openSocket(AddressFamily::IPv4, SocketType::Stream);
  EXPECT_NE(optionOf(opened.get(), SO_EXCLUSIVEADDRUSE), 0U);
  EXPECT_FALSE(isInherited(opened.get()));
  const auto bound = newSocket(AF_INET, SOCK_STREAM);
  bindPort(bound.get());
  EXPECT_NE(optionOf(bound.get(), SO_EXCLUSIVEADDRUSE), 0U);
  const auto listening = TCPPortOwner().listen();
  EXPECT_NE(optionOf(listening.nativeHandle(), SO_EXCLUSIVEADDRUSE), 0U);
}

TEST(ExclusiveSocket, IsNotRobbedOfItsPort) {
  const auto socket = newSocket(AF_INET, SOCK_STREAM);
  const auto port = bindPort(socket.get());
  TCPPortOwner owner;
  const auto listening = owner.listen("");
  for (const auto reuse : {Reuse::No, Reuse::Yes}) {
    EXPECT_EQ(bindAnew("127.0.0.1", port, reuse), EADDRINUSE);
    EXPECT_EQ(bindAnew("127.0.0.1", owner.port(), reuse), EADDRINUSE);
    EXPECT_EQ(bindAnew("0.0.0.0", owner.port(), reuse), EADDRINUSE);
  }
}

TEST(Refusal, OfWindowsIsWhatItMeans) {
  using platform::Refusal;
  using platform::refusalOf;
  EXPECT_EQ(refusalOf(0), Refusal::None);
  EXPECT_EQ(refusalOf(WSAEADDRINUSE), Refusal::Busy);
  EXPECT_EQ(refusalOf(WSAEACCES), Refusal::Busy)
      << "of an excluded range, or of an exclusive socket";
  EXPECT_EQ(refusalOf(WSAEADDRNOTAVAIL), Refusal::NoSuchAddress);
  EXPECT_EQ(refusalOf(WSAEINVAL), Refusal::Invalid);
  EXPECT_EQ(refusalOf(WSAENETDOWN), Refusal::Other);
}

enum class Sharing { None, Reuse, Exclusive };

struct Foreign {
  const char* name;
  const char* host;
  Sharing sharing;

  friend void PrintTo(const Foreign& foreign, std::ostream* out) { *out << foreign.name; }
};

class ForeignServer : public ::testing::TestWithParam<Foreign> {
 protected:
  platform::Socket bindIts(std::uint16_t port) {
    const auto& [name, host, sharing] = GetParam();
    auto socket =
        openSocket(Address(host).family(), sharing == Sharing::Reuse ? Reuse::Yes : Reuse::No);
    if (sharing == Sharing::Exclusive) platform::makeExclusive(socket.get());
    EXPECT_EQ(bindTo(socket, host, port), 0);
    return socket;
  }
};

INSTANTIATE_TEST_SUITE_P(
    Windows, ForeignServer,
    ::testing::Values(Foreign{"OfEveryIPv4Address", "0.0.0.0", Sharing::None},
                      Foreign{"OfEveryIPv4AddressWithReuse", "0.0.0.0", Sharing::Reuse},
                      Foreign{"OfEveryIPv4AddressExclusive", "0.0.0.0", Sharing::Exclusive},
                      Foreign{"OfLoopback", "127.0.0.1", Sharing::None},
                      Foreign{"OfLoopbackWithReuse", "127.0.0.1", Sharing::Reuse},
                      Foreign{"OfLoopbackExclusive", "127.0.0.1", Sharing::Exclusive},
                      Foreign{"OfAnotherAddress", "127.0.0.2", Sharing::None},
                      Foreign{"OfAnotherAddressExclusive", "127.0.0.2", Sharing::Exclusive},
                      Foreign{"OfEveryAddress", "::", Sharing::None},
                      Foreign{"OfEveryAddressExclusive", "::", Sharing::Exclusive},
                      Foreign{"OfLoopbackV6", "::1", Sharing::None},
                      Foreign{"OfLoopbackV6Exclusive", "::1", Sharing::Exclusive}),
    [](const auto& foreign) { return foreign.param.name; });

TEST_P(ForeignServer, IsSeenByAProbe) {
  if (std::string(GetParam().host).find(':') != std::string::npos && !hasIPv6()) {
    GTEST_SKIP() << "this machine has no IPv6";
  }
  for (const bool listens : {false, true}) {
    const auto port = freshPort();
    Probe probe{detail::defaultRequest()};
    auto socket = bindIts(port);
    ASSERT_EQ(listens ? ::listen(socket.get(), 1) : 0, 0);
    EXPECT_EQ(probe.isFree(port), Probe::Result::Busy) << listens;
    socket.close();
    EXPECT_EQ(probe.isFree(port), Probe::Result::Free) << listens;
  }
}

TEST(TimeWait, KeepsNoServerFromAPort) {
  PortPool pool(freshPorts(1), impatient());
  leaveTimeWait(*pool.ports().begin());
  const auto owner = pool.allocate();
  EXPECT_NO_THROW(listenOn(owner.port()));
}

// The system does not show the socket, and the connection does not explain why the port is busy.
TEST(TimeWait, HidesNoBoundSocketThatIsLeaked) {
  PortScope scope("a test");
  const auto port = getNextAvailableTCPPort();
  leaveTimeWait(port);
  const auto bound = openSocket(AF_INET, Reuse::No);
  ASSERT_EQ(bindTo(bound, "127.0.0.1", port), 0);
  const StderrReader stderrReader;
  EXPECT_THAT(scope.end(), IsEmpty());
  EXPECT_THAT(stderrReader.rest(),
              HasSubstr("a test ends, but its port " + std::to_string(port) +
                        " is still in use by a socket of a process that is not shown"));
}

TEST(SocketTables, ShowWhatListens) {
  const auto ports = freshBlock(2);
  const auto first = *ports.begin(), second = *++ports.begin();
  const auto server = listenOn(first, "127.0.0.1");
  const auto datagrams = openSocket(AF_INET, Reuse::No, SOCK_DGRAM);
  ASSERT_EQ(bindTo(datagrams, "0.0.0.0", second), 0);
  // Beside them may be connections that other tests have left.
  const auto shows = [&](Transport transport, std::uint16_t port, std::uint8_t host) {
    const auto sockets = platform::socketsOn(ports, transport);
    return sockets && std::any_of(sockets->begin(), sockets->end(), [&](const auto& socket) {
             return socket.port == port && socket.address.family == AddressFamily::IPv4 &&
                    socket.address.host[0] == host &&
                    socket.state == platform::PortSocket::State::Listening;
           });
  };
  EXPECT_TRUE(shows(Transport::TCP, first, 127));
  EXPECT_TRUE(shows(Transport::UDP, second, 0));
  EXPECT_FALSE(shows(Transport::UDP, first, 127));
}

// ---- Processes ----------------------------------------------------------------------------------

TEST(Process, ThatHasExitedIsFoundDead) {
  StartedProgram program(SHOW_PROCESS_POOL, {"0"});
  EXPECT_FALSE(platform::hasExited(platform::pid()));
  EXPECT_THAT(
      [&] { waitUntilListening(freshPort(), kHost, std::chrono::hours(24), program.pid()); },
      ThrowsMessage<NotListeningError>(
          HasSubstr("the server, pid " + std::to_string(program.pid()) + ", has exited")));
  const int pid = program.pid();
  EXPECT_EQ(program.finish(), 0U);
  EXPECT_TRUE(platform::hasExited(pid));
}

TEST(Process, ThatIsKilledIsFoundDead) {
  PortPool mine(freshPorts(1));
  const auto owner = mine.allocate();
  const ScopedEnvironment ports("PORTPOOL_PORTS", mine.ports().toString());
  StartedProgram program(SHOW_PROCESS_POOL, {"1"});  // which waits for my port
  auto waiter = std::async(std::launch::async, [port = freshPort(), pid = program.pid()] {
    waitUntilListening(port, kHost, std::chrono::hours(24), pid);
  });
  EXPECT_EQ(waiter.wait_for(std::chrono::milliseconds(30)), std::future_status::timeout);
  program.kill();
  EXPECT_THROW(waiter.get(), NotListeningError);
}

TEST(Process, KnowsItsArguments) {
  checkInChild([] {
    EXPECT_THAT(platform::arguments(), Contains("--gtest_filter=Process.KnowsItsArguments"));
  });
}

TEST(ProgramOutput, IsWhatAProgramWrites) {
  const ScopedEnvironment ports("PORTPOOL_PORTS", freshPorts(3).toString());
  const auto output = platform::outputOf(platform::utf16(SHOW_PROCESS_POOL), L"0");
  ASSERT_TRUE(output);
  EXPECT_THAT(*output, StartsWith("size 3\r\n"));
}

TEST(ProgramOutput, IsNothingIfThereIsNoSuchProgram) {
  const ScopedFolder folder;
  EXPECT_FALSE(platform::outputOf(platform::utf16(folder.path("none.exe")), L""));
}

// ---- Text ---------------------------------------------------------------------------------------

TEST(Text, IsTheSameInBothEncodings) {
  EXPECT_EQ(platform::utf16("gr\u00fc\u00df \u65e5\u672c \U0001F600"),
            L"gr\u00fc\u00df \u65e5\u672c \U0001F600");
  EXPECT_EQ(platform::utf8(L"gr\u00fc\u00df \u65e5\u672c \U0001F600"),
            "gr\u00fc\u00df \u65e5\u672c \U0001F600");
  EXPECT_EQ(platform::utf16(""), L"");
  EXPECT_EQ(platform::utf8(L""), "");
  EXPECT_EQ(platform::utf8(L"a\xD800z"), "a\uFFFDz");
}

TEST(Text, OfAnErrorIsOneLine) {
  EXPECT_THAT(platform::errorText(WSAEADDRINUSE),
              AllOf(Not(IsEmpty()), Not(HasSubstr("\n")), Not(EndsWith("."))));
  EXPECT_EQ(platform::errorText(0x20001234), "error 536875572");
}

// ---- Files --------------------------------------------------------------------------------------

TEST(PortsFile, MayHaveAPathOfAnyLetters) {
  const ScopedFolder folder;
  const auto path = folder.file("p\u00f6rts \u30dd\u30fc\u30c8", "20000-20001\r\n");
  const ScopedEnvironment variable("PORTPOOL_PORTS_FILE", path);
  EXPECT_EQ(getServerTCPPorts().toString(), "20000-20001");
}

TEST(PortsFile, CanBeReadWhileAnotherWritesIt) {
  const ScopedFolder folder;
  const auto path = folder.file("ports", "20000\r\n");
  const std::ofstream writer(path, std::ios::app);
  const ScopedEnvironment variable("PORTPOOL_PORTS_FILE", path);
  EXPECT_EQ(getServerTCPPorts().toString(), "20000");
}

TEST(ReadFile, ReadsAsMuchAsItIsTold) {
  const ScopedFolder folder;
  const auto path = folder.file("text", std::string(40000, 'x') + "\r\n");
  std::string text;
  EXPECT_EQ(platform::readFile(path, text), 0);
  EXPECT_EQ(text, std::string(40000, 'x') + "\r\n");
  EXPECT_EQ(platform::readFile(path, text, 20000), 0);
  EXPECT_EQ(text, std::string(20000, 'x'));
  EXPECT_EQ(platform::readFile(folder.path("none"), text), ENOENT);
  EXPECT_EQ(text, "");
  EXPECT_EQ(platform::readFile(folder.path("none\\none"), text), ENOENT);
}

}  // namespace
}  // namespace portpool::test
