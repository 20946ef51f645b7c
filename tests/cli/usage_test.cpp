// Command lines that are not understood, and help.

#include "command.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace portpool::test {
namespace {

using ::testing::HasSubstr;

constexpr int kFailure = 1, kUsage = 2;

TEST(Usage, ThatIsWrongIsToldOnStderr) {
  for (const auto& arguments : {Arguments{},
                                Arguments{"unknown"},
                                Arguments{"exec"},
                                Arguments{"exec", "--"},
                                Arguments{"exec", "-n", "0", "--", "true"},
                                Arguments{"exec", "--unknown", "--", "true"},
                                Arguments{"exec", "--hold", "--listen", "--", "true"},
                                Arguments{"get", "--for", "me"},
                                Arguments{"get", "--", "true"},
                                Arguments{"isolate"},
                                Arguments{"audit", "--json", "--output", "x"},
                                Arguments{"list", "20000"},
                                Arguments{"who"},
                                Arguments{"who", "0"},
                                Arguments{"who", "65536"},
                                Arguments{"who", "http"},
                                Arguments{"who", "1", "2"},
                                Arguments{"doctor", "now"},
                                Arguments{"serve", "--ports", "20000-x"},
                                Arguments{"serve", "--ports", ""},
                                Arguments{"serve", "@name"}}) {
    const auto result = runPortpool(arguments);
    EXPECT_EQ(result.exitCode, kUsage) << ::testing::PrintToString(arguments);
    EXPECT_EQ(result.output, "");
    EXPECT_NE(result.errors, "");
  }
}

TEST(Usage, HelpShowsEachCommandWithExamples) {
  const auto overview = runPortpool({"--help"});
  EXPECT_EQ(overview.exitCode, 0);
  for (const std::string command :
       {"exec", "get", "isolate", "audit", "list", "who", "doctor", "serve"}) {
    EXPECT_THAT(overview.output, HasSubstr("\n  " + command + ' '));
    const auto help = runPortpool({command, "--help"});
    EXPECT_EQ(help.exitCode, 0);
    EXPECT_THAT(help.output, HasSubstr("portpool " + command));
    EXPECT_THAT(help.output, HasSubstr("Example"));
    EXPECT_EQ(help.errors, "");
  }
}

TEST(Usage, VersionIsOneLine) {
  EXPECT_EQ(runPortpool({"--version"}).output, "portpool " PORTPOOL_VERSION "\n");
}

TEST(Failure, OfThePoolIsToldOnStderr) {
  for (const auto& arguments : {Arguments{"exec", "--", "true"}, Arguments{"get"}}) {
    const auto result = runPortpool(arguments, {{"PORTPOOL_PORTS", "20000-x"}});
    EXPECT_EQ(result.exitCode, kFailure);
    EXPECT_EQ(result.output, "");
    EXPECT_THAT(result.errors, HasSubstr("portpool: PORTPOOL_PORTS: \"20000-x\" is neither"));
  }
}

}  // namespace
}  // namespace portpool::test
