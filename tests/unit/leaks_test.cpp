// Which ports are said to leak.

#include <gmock/gmock.h>

#include <string>

#include <portpool/adapter.hpp>
#include <portpool/portpool.hpp>

#include "surroundings.hpp"

namespace portpool::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// The text that is logged when the scope ends.
std::string wordsAtEndOf(PortScope& scope) {
  const StderrReader stderrReader;
  EXPECT_THAT(scope.end(), IsEmpty());
  return stderrReader.rest();
}

TEST(Leaks, AreNotWhatIsInTimeWait) {
  PortScope scope("a test");
  for (int i = 0; i < 20; ++i) leaveTimeWait(getNextAvailableTCPPort());
  EXPECT_EQ(wordsAtEndOf(scope), "");
}

TEST(Leaks, AreNotWhatIsInTimeWaitOfAServerWithoutReuseaddr) {
  PortScope scope("a test");
  for (int i = 0; i < 20; ++i) {
    leaveTimeWait(getNextAvailableTCPPort(), "127.0.0.1", Reuse::No);
  }
  EXPECT_EQ(wordsAtEndOf(scope), "");
}

TEST(Leaks, AreServersBesideTimeWait) {
  PortScope scope("a test");
  const auto port = getNextAvailableTCPPort();
  leaveTimeWait(port);
  const auto server = listenOn(port, "127.0.0.1", Reuse::Yes);
  EXPECT_THAT(wordsAtEndOf(scope),
              AllOf(HasSubstr("a test ends, but its port " + std::to_string(port) +
                              " is still in use by " + thisProcess())));
}

TEST(Leaks, AreServersForUDPBesideTimeWaitOfTCP) {
  PortScope scope("a test");
  PortRequest request;
  request.transport = Transport::Both;
  const auto port = getNextAvailableTCPPort(request);
  leaveTimeWait(port);
  {
    PortScope inner("a test without a server");
    EXPECT_EQ(wordsAtEndOf(inner), "");
  }
  const auto server = openSocket(AF_INET, Reuse::No, SOCK_DGRAM);
  ASSERT_EQ(bindTo(server, "127.0.0.1", port), 0);
  EXPECT_THAT(wordsAtEndOf(scope), HasSubstr("is still in use by " + thisProcess()));
}

TEST(Leaks, AreNotServersOnAddressesThatWereNotAskedFor) {
  for (const bool withTables : {true, false}) {
    checkInChild([&] {
      PortScope scope("a test");
      const auto port = getNextAvailableTCPPort({"127.0.0.1"});
      const auto stranger = listenOn(port, "127.0.0.2");
      leaveTimeWait(port, "127.0.0.1", Reuse::No);
      if (!withTables) refuseSocketQueries();
      EXPECT_EQ(wordsAtEndOf(scope), "");
      const auto asked = getNextAvailableTCPPort({"127.0.0.2"});
      const auto server = listenOn(asked, "0.0.0.0");
      EXPECT_THAT(wordsAtEndOf(scope), HasSubstr("is still in use by"));
    });
  }
}

TEST(Leaks, AreNotKnownWhereTheSystemShowsNoSockets) {
  checkInChild([] {
    PortScope scope("a test");
    const auto port = getNextAvailableTCPPort();
    leaveTimeWait(port);
    hideSocketTables();
    const auto number = std::to_string(port);
    EXPECT_THAT(describePorts(),
                AllOf(HasSubstr("port " + number), HasSubstr("is not known what listens"),
                      Not(HasSubstr("nothing listens"))));
    EXPECT_THAT(wordsAtEndOf(scope),
                AllOf(HasSubstr("it is not known whether its port " + number + " is still in use"),
                      Not(HasSubstr("ends, but"))));
  });
}

TEST(Leaks, AreFoundThoughOnlyProcShowsSockets) {
  checkInChild([] {
    refuseSocketQueries();
    PortScope scope("a test");
    const auto lingering = getNextAvailableTCPPort();
    leaveTimeWait(lingering);
    EXPECT_EQ(wordsAtEndOf(scope), "");
    PortScope other("another test");
    const auto server = listenOn(getNextAvailableTCPPort());
    EXPECT_THAT(wordsAtEndOf(other), HasSubstr("is still in use by this process"));
  });
}

}  // namespace
}  // namespace portpool::test
