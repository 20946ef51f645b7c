// The file in which Linux shows the range of ephemeral ports.

#include <gmock/gmock.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include <portpool/errors.hpp>
#include <portpool/server_ports.hpp>

#include "fork.hpp"
#include "platform/linux/ephemeral_range.hpp"
#include "surroundings.hpp"
#include "text.hpp"

namespace portpool::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(EphemeralRange, IsTheSystems) {
  std::ifstream file(platform::kEphemeralRangeFile);
  int first = 0, last = 0;
  if (!(file >> first >> last)) GTEST_SKIP() << platform::kEphemeralRangeFile << " is not there";
  EXPECT_EQ(getEphemeralTCPPortRange().first, first);
  EXPECT_EQ(getEphemeralTCPPortRange().last, last);
}

TEST(EphemeralRange, IsReadFromAFileAsTheKernelWritesIt) {
  const ScopedFolder folder;
  EXPECT_EQ(platform::readEphemeralRange(folder.file("range", "32768\t60999\n")),
            (PortRange{32768, 60999}));
  EXPECT_EQ(platform::readEphemeralRange(folder.file("range", "1 65535")), (PortRange{1, 65535}));
  EXPECT_EQ(platform::readEphemeralRange(folder.file("range", "5 5\n")), (PortRange{5, 5}));
}

TEST(EphemeralRange, IsUnknownWithoutTheFile) {
  EXPECT_EQ(platform::readEphemeralRange(ScopedFolder().path("none")), std::nullopt);
}

TEST(EphemeralRange, GarbageIsAnError) {
  const ScopedFolder folder;
  for (const char* text :
       {"garbage", "32768", "32768 ", "32768 x", "60999 32768", "0 60999", "32768 65536",
        "32768 60999 1", "-5 60999", "32768-60999", "32768 99999999999999999999", " \t "}) {
    const auto path = folder.file("range", text);
    EXPECT_THAT([&] { platform::readEphemeralRange(path); },
                ThrowsMessage<PortRangeUnknownError>(
                    AllOf(HasSubstr(path), HasSubstr('"' + printable(text, 40) + '"'),
                          HasSubstr("set PORTPOOL_PORTS"))))
        << text;
  }
}

TEST(EphemeralRange, AnEmptyFileOrAFolderIsAnError) {
  const ScopedFolder folder;
  for (const auto& path : {folder.file("empty", ""), folder.path("")}) {
    EXPECT_THAT([&] { platform::readEphemeralRange(path); },
                ThrowsMessage<PortRangeUnknownError>(AllOf(
                    HasSubstr("cannot read"), HasSubstr(path), HasSubstr("set PORTPOOL_PORTS"))));
  }
}

TEST(EphemeralRange, AFileThatMayNotBeReadIsAnError) {
  checkInChild([] {
    const ScopedFolder folder;
    const auto path = folder.file("range", "32768 60999\n");
    ::chmod(path.c_str(), 0);
    giveUpCapabilities();
    EXPECT_THAT([&] { platform::readEphemeralRange(path); },
                ThrowsMessage<PortRangeUnknownError>(
                    AllOf(HasSubstr("cannot read the range of ephemeral ports from " + path),
                          HasSubstr("Permission denied"), HasSubstr("set PORTPOOL_PORTS"))));
  });
}

/// In a forked child, hides the system's settings of IPv4 and leaves a folder in their place.
void hideSystemSettings() {
  const auto folder = std::filesystem::path(platform::kEphemeralRangeFile).parent_path();
  if (::unshare(CLONE_NEWNS) != 0 ||
      ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("none", folder.c_str(), "tmpfs", 0, nullptr) != 0) {
    throw Refused("the kernel refuses to hide " + folder.string());
  }
}

TEST(EphemeralRange, IsIanasWithAWarningIfTheSystemHasNone) {
  checkInChild([] {
    hideSystemSettings();
    StderrReader stderrReader;
    EXPECT_EQ(getEphemeralTCPPortRange(), (PortRange{49152, 65535}));
    EXPECT_THAT(stderrReader.rest(),
                AllOf(HasSubstr("portpool: warning: "), HasSubstr(platform::kEphemeralRangeFile),
                      HasSubstr("49152-65535"), HasSubstr("PORTPOOL_PORTS")));
    EXPECT_EQ(getServerTCPPorts(), (PortSet{{1024, 49151}} - excludedTCPPorts()));
  });
}

TEST(EphemeralRange, GarbageInTheSystemsFileIsAnErrorOfTheServerPortsToo) {
  checkInChild([] {
    hideSystemSettings();
    std::ofstream(platform::kEphemeralRangeFile) << "oops\n";
    EXPECT_THAT([] { getServerTCPPorts(); },
                ThrowsMessage<PortRangeUnknownError>(
                    AllOf(HasSubstr(platform::kEphemeralRangeFile), HasSubstr("\"oops\""))));
    const ScopedEnvironment variable("PORTPOOL_PORTS", "20000");
    EXPECT_EQ(getServerTCPPorts().toString(), "20000") << "the range is not asked for";
  });
}

}  // namespace
}  // namespace portpool::test
