// What the system knows of this process.

#include "platform/process.hpp"

#include "../bsd/tables.hpp"
#include "../posix/environ.hpp"
#include "platform/fork.hpp"

#include <sys/sysctl.h>

#include <algorithm>
#include <cstddef>

extern char** environ;  // of the program: no header declares it

namespace portpool::platform {

std::vector<std::string> arguments() {
  std::vector<std::string> arguments;
  const auto text = readTable({CTL_KERN, KERN_PROC, KERN_PROC_ARGS, pid()}).value_or("");
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = std::min(text.find('\0', begin), text.size());
    if (begin > 0) arguments.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return arguments;
}

char** environmentTable() noexcept { return ::environ; }

bool mayHaveThreads() noexcept { return true; }

}  // namespace portpool::platform
