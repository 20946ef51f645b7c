#include "child_process.hpp"

#include <portpool/isolation.hpp>

#include <algorithm>
#include <cstdlib>

namespace portpool::cli {
namespace {

/// Whether it is a test program that lists its tests, as a build does that discovers them: on
/// machines, too, that refuse networks.
bool listsTests(const Command& command) {
  return std::any_of(command.begin() + 1, command.end(), [](const std::string& argument) {
    return argument.rfind("--gtest_list_tests", 0) == 0 || argument.rfind("--list-", 0) == 0;
  });
}

}  // namespace

int isolate(const Command& command) {
  if (!listsTests(command)) {
    portpool::isolate();
    ::unsetenv("PORTPOOL_ISOLATE");  // it would cut the command's children off from each other
  }
  return becomeCommand(command);
}

}  // namespace portpool::cli
