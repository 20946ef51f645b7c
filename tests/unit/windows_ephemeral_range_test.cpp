// What netsh and the registry say of the dynamic range of ports.

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>

#include <portpool/port_range.hpp>

#include "platform/windows/ephemeral_range.hpp"

namespace portpool::test {
namespace {

using platform::dynamicRangeIn;
using platform::rangeUpTo;

// ---- netsh int ipv4 show dynamicport tcp --------------------------------------------------------

constexpr const char* kEnglish =
    "\r\n"
    "Protocol tcp Dynamic Port Range\r\n"
    "---------------------------------\r\n"
    "Start Port      : 49152\r\n"
    "Number of Ports : 16384\r\n"
    "\r\n";

constexpr const char* kGerman =
    "\r\n"
    "Protokoll tcp Dynamischer Portbereich\r\n"
    "---------------------------------\r\n"
    "Startport        : 1025\r\n"
    "Anzahl von Ports : 64511\r\n"
    "\r\n";

/// In code page 932, where the second byte of a letter may be one of ASCII.
constexpr const char* kJapanese =
    "\r\n"
    "\x83v\x83\x8D\x83g\x83R\x83\x8B tcp "
    "\x82\xCC\x93\xAE\x93I\x83|\x81[\x83g\x82\xCC\x94\xCD\x88\xCD\r\n"
    "---------------------------------\r\n"
    "\x8AJ\x8En\x83|\x81[\x83g      : 49152\r\n"
    "\x83|\x81[\x83g\x90\x94        : 16384\r\n"
    "\r\n";

/// In code page 1252, with a blank before the colon that does not break a line.
constexpr const char* kFrench =
    "\r\n"
    "Plage de ports dynamique du protocole tcp\r\n"
    "---------------------------------\r\n"
    "Port de d\xE9marrage\xA0: 32768\r\n"
    "Nombre de ports\xA0: 28232\r\n"
    "\r\n";

/// In code page 850.
constexpr const char* kFrenchOfTheConsole =
    "\r\n"
    "Plage de ports dynamique du protocole tcp\r\n"
    "---------------------------------\r\n"
    "Port de d\x82marrage\xFF: 32768\r\n"
    "Nombre de ports\xFF: 28232\r\n"
    "\r\n";

TEST(DynamicRange, IsReadInEveryLanguage) {
  EXPECT_EQ(dynamicRangeIn(kEnglish), (PortRange{49152, 65535}));
  EXPECT_EQ(dynamicRangeIn(kGerman), (PortRange{1025, 65535}));
  EXPECT_EQ(dynamicRangeIn(kJapanese), (PortRange{49152, 65535}));
  EXPECT_EQ(dynamicRangeIn(kFrench), (PortRange{32768, 60999}));
  EXPECT_EQ(dynamicRangeIn(kFrenchOfTheConsole), (PortRange{32768, 60999}));
}

TEST(DynamicRange, IsReadWhateverTheLineEnds) {
  EXPECT_EQ(dynamicRangeIn("Start Port : 20000\nNumber of Ports : 10"), (PortRange{20000, 20009}));
  EXPECT_EQ(dynamicRangeIn("Start Port:20000 \r\r\nNumber of Ports:\t1\t\r\r\n"),
            (PortRange{20000, 20000}));
}

TEST(DynamicRange, IsNotReadFromAnythingElse) {
  for (const char* answer :
       {"", "\r\n\r\n", "49152", "49152\r\n16384\r\n", "Start Port : 49152\r\n",
        "Start Port : 49152\r\nNumber of Ports : 16384\r\nAnother Number : 7\r\n",
        "Start Port : 49152\r\nNumber of Ports : many\r\n",
        "Start Port : port49152\r\nNumber of Ports : -16384\r\n",
        "The following command was not found: int ipv4 show dynamicport tcp.\r\n",
        "Das System kann die angegebene Datei nicht finden.\r\n",
        "The filename, directory name, or volume label syntax is incorrect. Error : 123\r\n"}) {
    EXPECT_EQ(dynamicRangeIn(answer), std::nullopt) << answer;
  }
  EXPECT_EQ(dynamicRangeIn(std::string("\0: 1\n\0: 1\n\0: 1\n", 15)), std::nullopt);
}

TEST(DynamicRange, HasPortsThatThereAre) {
  const auto read = [](const std::string& first, const std::string& count) {
    return dynamicRangeIn("Start Port : " + first + "\r\nNumber of Ports : " + count + "\r\n");
  };
  EXPECT_EQ(read("1", "65535"), (PortRange{1, 65535}));
  EXPECT_EQ(read("65535", "1"), (PortRange{65535, 65535}));
  EXPECT_EQ(read("0", "1"), std::nullopt);
  EXPECT_EQ(read("65536", "1"), std::nullopt);
  EXPECT_EQ(read("49152", "0"), std::nullopt);
  EXPECT_EQ(read("49152", "16385"), std::nullopt);
  EXPECT_EQ(read("1", "65536"), std::nullopt);
  EXPECT_EQ(read("2", "4294967295"), std::nullopt);
  EXPECT_EQ(read("4294967297", "1"), std::nullopt);
  EXPECT_EQ(read("99999999999999999999", "1"), std::nullopt);
}

// ---- MaxUserPort --------------------------------------------------------------------------------

TEST(MaxUserPort, IsTheEndOfTheRange) {
  EXPECT_EQ(rangeUpTo(60999), (PortRange{1025, 60999}));
  EXPECT_EQ(rangeUpTo(65535), (PortRange{1025, 65535}));
  EXPECT_EQ(rangeUpTo(5001), (PortRange{1025, 5001}));
}

TEST(MaxUserPort, IsTakenFor5000IfItIsLess) {
  for (const std::uint32_t port : {0U, 1024U, 4999U, 5000U}) {
    EXPECT_EQ(rangeUpTo(port), (PortRange{1025, 5000}));
  }
}

TEST(MaxUserPort, IsAPort) {
  EXPECT_EQ(rangeUpTo(65536), std::nullopt);
  EXPECT_EQ(rangeUpTo(4294967295U), std::nullopt);
}

}  // namespace
}  // namespace portpool::test
