// What this process is.

#include "process.hpp"

#include "log.hpp"

#include <link.h>
#include <unistd.h>

#include <climits>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

namespace portpool::audit {
namespace {

// Programs overwrite their arguments, and clear their environment.
char ownProgram[400];
char ownCommand[200];
char ownLog[PATH_MAX];

/// The text, cut if it is too long.
template <std::size_t Size>
void append(char (&to)[Size], const char* text) {
  std::strncat(to, text, Size - 1 - std::strlen(to));
}

// ---- The test that the arguments name -----------------------------------------------------------

/// Sets the variable for this process and those that it starts, before it has threads.
void announceTest(const char* kind, const char* name) {
  char text[256]{};
  append(text, kind);
  append(text, name);
  ::setenv(kTestVariable, text, 1);
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
    for (int i = 0; i < file->dlpi_phnum; ++i) {
      const auto& segment = file->dlpi_phdr[i];
      if (segment.p_type != PT_LOAD || (segment.p_flags & PF_R) == 0) continue;
      if ((segment.p_flags & PF_W) != 0) continue;
      // NOLINTNEXTLINE(performance-no-int-to-ptr): the loader tells addresses as numbers
      const auto* begin = reinterpret_cast<const char*>(file->dlpi_addr + segment.p_vaddr);
      if (::memmem(begin, segment.p_filesz, kMark, sizeof kMark - 1) != nullptr) return 2;
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

void findTest(int count, char** arguments) {
  constexpr char kFilter[] = "--gtest_filter=";
  for (int i = 1; i < count; ++i) {
    if (std::strncmp(arguments[i], kFilter, sizeof kFilter - 1) != 0) continue;
    const char* filter = arguments[i] + sizeof kFilter - 1;
    if (isOneTest(filter)) announceTest("test ", filter);
    return;
  }
  char name[200]{};
  if (count > 1) readCatch2Test(arguments[1], name);
  if (name[0] != '\0' && usesCatch2()) return announceTest("test case ", name);
  const char* filter = std::getenv("GTEST_FILTER");
  if (filter != nullptr && isOneTest(filter) && std::getenv(kTestVariable) == nullptr) {
    announceTest("test ", filter);
  }
}

// glibc passes the arguments of main.
__attribute__((constructor)) void begin(int count, char** arguments, char** /*environment*/) {
  const auto size = ::readlink("/proc/self/exe", ownProgram, sizeof ownProgram - 1);
  if (size <= 0 && count > 0) append(ownProgram, arguments[0]);
  for (int i = 0; i < count; ++i) {
    if (i > 0) append(ownCommand, " ");
    append(ownCommand, arguments[i]);
  }
  const char* log = std::getenv(kLogVariable);
  if (log == nullptr) return;
  append(ownLog, log);
  findTest(count, arguments);
}

}  // namespace

const char* program() { return ownProgram; }
const char* command() { return ownCommand; }

const char* logPath() { return ownLog; }

const char* currentTest() {
  for (const char* variable : {kTestVariable, "PYTEST_CURRENT_TEST"}) {
    const char* test = std::getenv(variable);
    if (test != nullptr && *test != '\0') return test;
  }
  return "";
}

}  // namespace portpool::audit
