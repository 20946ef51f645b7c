// Facts about this process, from the C library and the dynamic linker.

#include "platform/process.hpp"

#include "../posix/environ.hpp"
#include "platform/fork.hpp"

#include <crt_externs.h>

namespace portpool::platform {

std::vector<std::string> arguments() {
  const int count = *::_NSGetArgc();
  char** const texts = *::_NSGetArgv();
  std::vector<std::string> arguments;
  for (int i = 1; i < count && texts[i] != nullptr; ++i) arguments.emplace_back(texts[i]);
  return arguments;
}

/// A shared library has no `environ` to link with.
char** environmentTable() noexcept { return *::_NSGetEnviron(); }

bool mayHaveThreads() noexcept { return true; }

}  // namespace portpool::platform
