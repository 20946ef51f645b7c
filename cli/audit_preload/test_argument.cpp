#include "test_argument.hpp"

#include "current_test.hpp"
#include "log.hpp"
#include "read_file.hpp"
#include "scratch.hpp"

#include <link.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace portpool::audit {
namespace {

/// Sets the variable for this process and those that it starts.
void announce(const RealFunctions& functions, const char* kind, const char* name) {
  char text[CurrentTest::kSize]{};
  std::snprintf(text, sizeof text, "%s%s", kind, name);
  functions.setenv(kTestVariable, text, 1);
  learnVariable(kTestVariable, std::strlen(kTestVariable), text);
}

/// Whether the GoogleTest filter selects one test by its name.
bool isOneTest(const char* filter) {
  return std::strchr(filter, '.') != nullptr && std::strpbrk(filter, "*?:-") == nullptr;
}

/// Whether the program is built with Catch2: names of its types stand in it, with symbols or
/// without.
bool usesCatch2() {
  const auto search = [](dl_phdr_info* file, std::size_t, void*) {
    constexpr char kMark[] = "N5Catch";
    // Constants come last where they share a segment with code, of which large programs have much.
    constexpr std::size_t kMost = std::size_t{8} << 20;
    for (int i = 0; i < file->dlpi_phnum; ++i) {
      const auto& segment = file->dlpi_phdr[i];
      if (segment.p_type != PT_LOAD || (segment.p_flags & PF_R) == 0) continue;
      if ((segment.p_flags & PF_W) != 0) continue;
      const auto size = std::min<std::size_t>(segment.p_filesz, kMost);
      const auto end = file->dlpi_addr + segment.p_vaddr + segment.p_filesz;
      // NOLINTNEXTLINE(performance-no-int-to-ptr): the loader tells addresses as numbers
      const auto* begin = reinterpret_cast<const char*>(end - size);
      if (::memmem(begin, size, kMark, sizeof kMark - 1) != nullptr) return 2;
    }
    return 1;  // the first is the program; the others do not matter
  };
  return ::dl_iterate_phdr(search, nullptr) == 2;
}

/// As catch_discover_tests passes the name of a test: alone, with '\' before what else would
/// separate names. Empty if the argument is something else.
void readCatch2Test(const char* argument, char (&name)[200]) {
  if (std::strchr("-~[", *argument) != nullptr) return;  // the end of the text among them
  std::size_t size = 0;
  for (; *argument != '\0' && size + 1 < sizeof name; ++argument) {
    if (*argument == '\\' && argument[1] != '\0') {
      ++argument;
    } else if (*argument == '*' || *argument == ',') {
      name[0] = '\0';
      return;
    }
    name[size++] = *argument;
  }
}

}  // namespace

void announceArgument(const RealFunctions& functions) {
  struct Arguments {
    char text[65536];
  };
  const Scratch<Arguments> arguments;
  if (!arguments) return;
  auto& text = (*arguments).text;
  const char* end = text + readFile("/proc/self/cmdline", text, sizeof text);
  const auto next = [](const char* argument) { return argument + std::strlen(argument) + 1; };
  const char* first = std::min(next(text), end);
  constexpr char kFilter[] = "--gtest_filter=";
  for (const char* argument = first; argument < end; argument = next(argument)) {
    if (std::strncmp(argument, kFilter, sizeof kFilter - 1) != 0) continue;
    const char* filter = argument + sizeof kFilter - 1;
    if (isOneTest(filter)) announce(functions, "test ", filter);
    return;
  }
  char name[200]{};
  readCatch2Test(first, name);
  const bool isFile = ::access(first, F_OK) == 0;  // a script, say
  if (name[0] != '\0' && !isFile && usesCatch2()) return announce(functions, "test case ", name);
  const char* filter = std::getenv("GTEST_FILTER");
  if (filter != nullptr && isOneTest(filter) && std::getenv(kTestVariable) == nullptr) {
    announce(functions, "test ", filter);
  }
}

}  // namespace portpool::audit
