#include <portpool/server_ports.hpp>

#include <gmock/gmock.h>

#include <set>
#include <string>

#include <portpool/errors.hpp>

#include "ports_file.hpp"
#include "surroundings.hpp"
#include "text.hpp"

namespace portpool::test {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::ThrowsMessage;

const char* const kVariables[] = {"PORTPOOL_PORTS", "PYSYS_PORTS", "PORTPOOL_PORTS_FILE",
                                  "PYSYS_PORTS_FILE"};

// ---- CTest's resources --------------------------------------------------------------------------

/// Sets this test's groups of resources in this process's environment.
void allocateByCTest(const std::vector<const char*>& groups) {
  setVariable("CTEST_RESOURCE_GROUP_COUNT", std::to_string(groups.size()));
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (groups[i] == nullptr) continue;
    setVariable("CTEST_RESOURCE_GROUP_" + std::to_string(i) + "_PORTS", groups[i]);
  }
}

TEST(CTestResources, AreTheServerPorts) {
  checkInChild([] {
    setVariable("PORTPOOL_PORTS", "1024");
    allocateByCTest({"id:20000,slots:1", nullptr, "id:20010_20019,slots:3;id:20005,slots:1"});
    EXPECT_EQ(getServerTCPPorts().toString(), "20000,20005,20010-20019");
    EXPECT_EQ(serverTCPPortsVariable(), "CTEST_RESOURCE_GROUP_0_PORTS");
  });
}

TEST(CTestResources, OfOtherTypesLeaveThePortsAlone) {
  checkInChild([] {
    setVariable("PORTPOOL_PORTS", "1024");
    allocateByCTest({nullptr});
    EXPECT_EQ(getServerTCPPorts().toString(), "1024");
    EXPECT_EQ(serverTCPPortsVariable(), "PORTPOOL_PORTS");
  });
}

TEST(CTestResources, ThatAreNoPortsAreAnError) {
  for (const char* resource :
       {"id:tty_s0,slots:1", "id:0,slots:1", "id:20009_20000,slots:1", "x"}) {
    checkInChild([&] {
      allocateByCTest({resource});
      EXPECT_THAT(getServerTCPPorts,
                  ThrowsMessage<PortSpecificationError>(
                      AllOf(HasSubstr("CTEST_RESOURCE_GROUP_0_PORTS"), HasSubstr("20000_20009"))))
          << resource;
    });
  }
}

TEST(CTestResources, WithoutIdsAreAnError) {
  if (!canSetToNothing()) GTEST_SKIP() << "no variable can be empty";
  checkInChild([] {
    allocateByCTest({""});
    EXPECT_THAT(getServerTCPPorts, ThrowsMessage<PortSpecificationError>(HasSubstr("no port")));
  });
}

// ---- The computed ports -------------------------------------------------------------------------

TEST(ServerPorts, AreThoseAbove1023ButTheEphemeralAndTheExcluded) {
  const auto range = getEphemeralTCPPortRange();
  std::set<int> expected;
  for (int port = 1024; port <= 65535; ++port) {
    if ((port < range.first || range.last < port) &&
        !excludedTCPPorts().contains(static_cast<std::uint16_t>(port))) {
      expected.insert(port);
    }
  }
  if (expected.size() < 50) GTEST_SKIP() << "the ephemeral range leaves too few ports here";
  const auto ports = getServerTCPPorts();
  EXPECT_EQ(std::set<int>(ports.begin(), ports.end()), expected);
}

TEST(ServerPorts, LeaveOutThePortsThatBrowsersRefuse) {
  EXPECT_EQ(excludedTCPPorts().toString(),
            "1719-1720,1723,2049,3659,4045,4190,5060-5061,6000,6566,6665-6669,6679,6697,10080");
  EXPECT_THAT(getServerTCPPorts() & excludedTCPPorts(), IsEmpty());
}

/// In a child, in a network of its own.
void setOwnEphemeralRange(const std::string& range) {
  if (!enterOwnNetwork()) throw Refused("the kernel refuses a network namespace");
  setEphemeralRange(range);
}

TEST(ServerPorts, LeaveOutBothEndsOfTheEphemeralRange) {
  checkInChild([] {
    setOwnEphemeralRange("20000 30000");
    const auto ports = getServerTCPPorts();
    EXPECT_TRUE(ports.contains(19999));
    EXPECT_FALSE(ports.contains(20000));
    EXPECT_FALSE(ports.contains(30000));
    EXPECT_TRUE(ports.contains(30001));
  });
}

TEST(ServerPorts, DoWithoutTheEphemeralRangeIfItLeavesFewerThan50) {
  checkInChild([] {
    setOwnEphemeralRange("1024 65486");  // leaves 49
    StderrReader stderrReader;
    EXPECT_EQ(getServerTCPPorts(), (PortSet{{1024, 49151}} - excludedTCPPorts()));
    EXPECT_THAT(stderrReader.rest(),
                AllOf(HasSubstr("portpool: warning: the ephemeral range 1024-65486 leaves 49 "
                                "ports"),
                      HasSubstr("1024-49151"), HasSubstr("Set PORTPOOL_PORTS")));
  });
}

TEST(ServerPorts, RespectAnEphemeralRangeThatLeaves50) {
  checkInChild([] {
    setOwnEphemeralRange("1024 65485");
    StderrReader stderrReader;
    EXPECT_EQ(getServerTCPPorts(), (PortSet{{65486, 65535}}));
    EXPECT_EQ(stderrReader.rest(), "");
  });
}

// ---- The environment ----------------------------------------------------------------------------

TEST(ServerPorts, AreThoseOfTheVariables) {
  const ScopedFolder folder;
  const auto file = folder.file("ports", "# ours\r\n20000-20002\r\n\r\n 30000 , 20001\r\n");
  for (const char* name : kVariables) {
    const bool isFile = std::string(name).find("FILE") != std::string::npos;
    const ScopedEnvironment variable(name, isFile ? file : "20000-20002, 30000,20001");
    EXPECT_EQ(getServerTCPPorts().toString(), "20000-20002,30000") << name;
  }
}

TEST(ServerPorts, TheFirstVariableThatIsSetNamesThem) {
  const ScopedFolder folder;
  const ScopedEnvironment fourth("PYSYS_PORTS_FILE", folder.file("4", "20004"));
  EXPECT_EQ(getServerTCPPorts().toString(), "20004");
  const ScopedEnvironment third("PORTPOOL_PORTS_FILE", folder.file("3", "20003"));
  EXPECT_EQ(getServerTCPPorts().toString(), "20003");
  const ScopedEnvironment second("PYSYS_PORTS", "20002");
  EXPECT_EQ(getServerTCPPorts().toString(), "20002");
  const ScopedEnvironment first("PORTPOOL_PORTS", "20001");
  EXPECT_EQ(getServerTCPPorts().toString(), "20001");
}

TEST(ServerPorts, OfAVariableMayBeEphemeralButNotExcluded) {
  const auto range = getEphemeralTCPPortRange();
  const ScopedEnvironment variable("PORTPOOL_PORTS",
                                   "1719-1724,6000," + std::to_string(range.first));
  EXPECT_EQ(getServerTCPPorts(), (PortSet{{1721, 1722}, {1724, 1724}, {range.first, range.first}}));
}

TEST(ServerPorts, GarbageInAVariableIsAnErrorThatNamesIt) {
  const ScopedFolder folder;
  for (const char* name : kVariables) {
    for (const char* token : {"0", "65536", "70000", "-20000", "+20000", "20001-20000", "http",
                              "20000-", "20000 20001"}) {
      const bool isFile = std::string(name).find("FILE") != std::string::npos;
      const auto path = folder.file("ports", "20000,30000\n" + std::string(token) + "\n");
      const ScopedEnvironment variable(name, isFile ? path : "20000,30000," + std::string(token));
      const auto source = isFile ? std::string(name) + "=\"" + path + '"' : std::string(name);
      EXPECT_THAT([] { getServerTCPPorts(); },
                  ThrowsMessage<PortSpecificationError>(
                      AllOf(HasSubstr(source + ": \"" + token + '"'),
                            HasSubstr("ports from 1 to 65535"), HasSubstr("20000-20999,30000"))))
          << name;
    }
  }
}

TEST(ServerPorts, ASetVariableWithoutPortsIsAnError) {
  const ScopedFolder folder;
  for (const char* name : kVariables) {
    for (const char* text : {"", " \t", "\n\r\n", "# none"}) {
      const bool isFile = std::string(name).find("FILE") != std::string::npos;
      if (!isFile && *text == '\0' && !canSetToNothing()) continue;
      const ScopedEnvironment variable(name, isFile ? folder.file("ports", text) : text);
      EXPECT_THAT([] { getServerTCPPorts(); },
                  ThrowsMessage<PortSpecificationError>(AllOf(
                      HasSubstr(name), HasSubstr("names no port"), HasSubstr("20000-20999,30000"))))
          << name << " with \"" << text << '"';
    }
  }
}

TEST(ServerPorts, AVariableWithExcludedPortsOnlyIsAnError) {
  const ScopedFolder folder;
  for (const char* name : kVariables) {
    const bool isFile = std::string(name).find("FILE") != std::string::npos;
    const ScopedEnvironment variable(name, isFile ? folder.file("p", "6000,6665-6669") : "6000");
    EXPECT_THAT([] { getServerTCPPorts(); },
                ThrowsMessage<PortSpecificationError>(AllOf(
                    HasSubstr(name), HasSubstr("every port is excluded"), HasSubstr("6665-6669"))));
  }
}

TEST(PortsFile, ThatIsMissingIsAnError) {
  const ScopedFolder folder;
  expectFileError(folder.path("none"), "cannot be read");
  if (canSetToNothing()) expectFileError("", "cannot be read");
}

TEST(PortsFile, ThatIsAFolderIsAnError) {
  const ScopedFolder folder;
  expectFileError(folder.path(""), "cannot be read");
}

TEST(PortsFile, MayHaveOneMebibyteButNoMore) {
  const ScopedFolder folder;
  constexpr std::size_t kMebibyte = 1U << 20U;
  const std::string comment(kMebibyte - 6, '#');
  const auto path = folder.file("ports", "20000\n" + comment);
  {
    const ScopedEnvironment variable("PORTPOOL_PORTS_FILE", path);
    EXPECT_EQ(getServerTCPPorts().toString(), "20000");
  }
  folder.file("ports", "20000\n#" + comment);
  expectFileError(path, "is larger than 1 MiB");
}

TEST(PortsFile, MayBeginWithAByteOrderMark) {
  const ScopedFolder folder;
  const ScopedEnvironment variable("PORTPOOL_PORTS_FILE", folder.file("ports",
                                                                      "\xEF\xBB\xBF"
                                                                      "20000-20001\r\n"));
  EXPECT_EQ(getServerTCPPorts().toString(), "20000-20001");
}

TEST(PortsFile, MayNameEveryPortOnALineOfItsOwn) {
  const ScopedFolder folder;
  std::string text;
  for (int port = 65535; port > 0; port -= 2) text += std::to_string(port) + '\n';
  const ScopedEnvironment variable("PORTPOOL_PORTS_FILE", folder.file("ports", text));
  EXPECT_THAT(getServerTCPPorts(), AllOf(Contains(1), Contains(65535), Not(Contains(2))));
}

}  // namespace
}  // namespace portpool::test
