// Command lines that are not understood, and help.

#include "command.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace portpool::test {
namespace {

using ::testing::HasSubstr;

constexpr int kFailure = 1, kUsage = 2;
const std::vector<std::string> kCommands{"exec", "get", "isolate", "audit",
                                         "list", "who", "doctor",  "serve"};

TEST(Usage, ThatIsWrongIsToldOnStderr) {
  for (const auto& arguments : {Arguments{},
                                Arguments{"unknown"},
                                Arguments{"exec"},
                                Arguments{"exec", "--"},
                                Arguments{"exec", "-n", "0", "--", "true"},
                                Arguments{"exec", "--unknown", "--", "true"},
                                Arguments{"exec", "--hold", "--listen", "--", "true"},
                                Arguments{"exec", "--hold", "--udp", "--", "true"},
                                Arguments{"exec", "-n", "0x2", "--", "true"},
                                Arguments{"exec", "-n", "2", "--distance", "0", "--", "true"},
                                Arguments{"exec", "--multiple-of", "0", "--", "true"},
                                Arguments{"exec", "--multiple-of", "65536", "--", "true"},
                                Arguments{"exec", "--env", "", "--", "true"},
                                Arguments{"exec", "--env", "A=B", "--", "true"},
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
                                Arguments{"serve", "--address", ""},
                                Arguments{"serve", "@name"}}) {
    const auto result = runPortpool(arguments);
    EXPECT_EQ(result.exitCode, kUsage) << ::testing::PrintToString(arguments);
    EXPECT_EQ(result.output, "");
    EXPECT_NE(result.errors, "");
  }
}

TEST(Usage, NumbersAreDecimal) {
  EXPECT_EQ(portsIn(runPortpool({"get", "-n", "010"}).output).size(), 10U);
  EXPECT_EQ(runPortpool({"who", "00"}).exitCode, kUsage);
}

TEST(Usage, ThatIsWrongIsToldWithWhatIsRight) {
  const auto errorsOf = [](const Arguments& arguments) { return runPortpool(arguments).errors; };
  const std::string commands =
      "; the commands are exec, get, isolate, audit, list, who, doctor, serve";
  EXPECT_THAT(errorsOf({}), HasSubstr("there is no command in this command line" + commands));
  EXPECT_THAT(errorsOf({"bogus", "list"}), HasSubstr("there is no command \"bogus\"" + commands));
  EXPECT_THAT(errorsOf({"exec", "-n", "2", "echo", "hi"}),
              HasSubstr("after \"--\", as in portpool exec -- echo ..."));
  EXPECT_THAT(errorsOf({"isolate"}), HasSubstr("after \"--\", as in portpool isolate -- COMMAND"));
  EXPECT_THAT(errorsOf({"audit", "--jsn", "true"}), HasSubstr("--jsn"));
  EXPECT_THAT(errorsOf({"exec", "-n", "0"}), HasSubstr("not in range"));
}

TEST(Usage, ThatContradictsItselfIsToldWithWhatIsRight) {
  for (const auto& command : {Arguments{"exec"}, Arguments{"get"}}) {
    const auto isRefused = [&](const Arguments& options, const std::string& guidance) {
      auto arguments = command;
      arguments.insert(arguments.end(), options.begin(), options.end());
      if (command.front() == "exec") arguments.insert(arguments.end(), {"--", "true"});
      const auto result = runPortpool(arguments);
      EXPECT_EQ(result.exitCode, kUsage) << ::testing::PrintToString(arguments);
      EXPECT_EQ(result.output, "");
      EXPECT_THAT(result.errors, HasSubstr(guidance));
    };
    isRefused({"--distance", "10000"}, "ask for two or more with -n");
    isRefused({"-n", "1", "--block", "--distance", "2"}, "ask for two or more with -n");
    isRefused({"-n", "2", "--multiple-of", "2"}, "add --block");
  }
}

TEST(Usage, AnEmptyTextIsNoNumber) {
  // As of a variable that is not set, in quotation marks.
  for (const auto& arguments : {Arguments{"exec", "-n", "", "--", "true"},
                                Arguments{"get", "--for", ""}, Arguments{"who", ""}}) {
    const auto result = runPortpool(arguments);
    EXPECT_EQ(result.exitCode, kUsage) << ::testing::PrintToString(arguments);
    EXPECT_THAT(result.errors, HasSubstr("a number is expected, and not \"\""));
  }
}

TEST(Usage, HelpShowsEachCommandWithExamples) {
  const auto overview = runPortpool({"--help"});
  EXPECT_EQ(overview.exitCode, 0);
  for (const auto& command : kCommands) {
    EXPECT_THAT(overview.output, HasSubstr("\n  " + command + ' '));
    const auto help = runPortpool({command, "--help"});
    EXPECT_EQ(help.exitCode, 0);
    EXPECT_THAT(help.output, HasSubstr("portpool " + command));
    EXPECT_THAT(help.output, HasSubstr("Example"));
    EXPECT_EQ(help.errors, "");
  }
}

TEST(Usage, ManualPageHasEachCommandAndOption) {
  std::ifstream file(MANUAL_PAGE);
  std::string manual;
  std::getline(file, manual, '\0');
  manual.erase(std::remove(manual.begin(), manual.end(), '\\'), manual.end());
  for (const auto& command : kCommands) {
    EXPECT_THAT(manual, HasSubstr(".B " + command + '\n'));
    std::istringstream help(runPortpool({command, "--help"}).output);
    for (std::string line; std::getline(help, line);) {
      const auto option = line.find("--");
      if (line.rfind("  -", 0) != 0 || option == std::string::npos) continue;
      const auto name = line.substr(option, line.find(' ', option) - option);
      if (name == "--help") continue;
      EXPECT_THAT(manual, HasSubstr(name)) << "of " << command;
    }
  }
}

/// What bash offers in place of the last word.
std::string completionOf(const std::string& words) {
  return runScript(std::string("set -u; . ") + COMPLETION + "; COMP_WORDS=(" + words +
                       "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); "
                       "_portpool portpool \"${COMP_WORDS[COMP_CWORD]}\"; echo ${COMPREPLY[@]-}",
                   "bash")
      .output;
}

TEST(Completion, OffersCommandsAndTheirOptions) {
  EXPECT_EQ(completionOf("portpool is"), "isolate\n");
  EXPECT_EQ(completionOf("portpool --v"), "--version\n");
  EXPECT_EQ(completionOf("portpool serve --a"), "--address --any-user\n");
  EXPECT_EQ(completionOf("portpool list --j"), "--json\n");
  EXPECT_EQ(completionOf("portpool exec --m"), "--multiple-of\n");
  EXPECT_EQ(completionOf("portpool list --x"), "\n");
}

TEST(Completion, OffersCommandsAfterTheMark) {
  EXPECT_THAT(completionOf("portpool exec -- mkfif"), HasSubstr("mkfifo"));
}

TEST(Usage, VersionIsOneLine) {
  EXPECT_EQ(runPortpool({"--version"}).output, "portpool " PORTPOOL_VERSION "\n");
}

TEST(Usage, ThatCannotBeWrittenIsAFailure) {
  for (const std::string option : {"--version", "--help", "exec --help"}) {
    EXPECT_EQ(runScript("portpool " + option + " > /dev/full 2> /dev/null").exitCode, kFailure)
        << option;
  }
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
