#include "child_process.hpp"

#include <portpool/isolation.hpp>

#include <algorithm>
#include <string>

namespace portpool::cli {
namespace {

/// Whether it is a test program that lists its tests, as a build does that discovers them: on
/// machines, too, that refuse networks.
bool listsTests(const Command& command) {
  const std::string googleTests = "--gtest_list_tests";
  return std::any_of(command.begin() + 1, command.end(), [&](const std::string& argument) {
    if (argument.rfind(googleTests, 0) == 0) {
      const auto value = argument.substr(googleTests.size());
      return value.empty() || (value[0] == '=' && value.find_first_of("0fF", 1) != 1);
    }
    return argument == "--list-tests" || argument == "--list-test-names-only" ||
           argument == "--list-tags" || argument == "--list-reporters" ||
           argument == "--list-listeners";
  });
}

}  // namespace

int isolate(const Command& command) {
  if (!listsTests(command)) portpool::isolate();
  return becomeCommand(command);
}

}  // namespace portpool::cli
