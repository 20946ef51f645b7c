// The arguments of this process, by /proc.

#include "platform/files.hpp"
#include "platform/process.hpp"

#include <algorithm>
#include <cstddef>

namespace portpool::platform {

std::vector<std::string> arguments() {
  std::vector<std::string> arguments;
  std::string text;
  if (readFile("/proc/self/cmdline", text) != 0) return {};
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = std::min(text.find('\0', begin), text.size());
    if (begin > 0) arguments.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return arguments;
}

}  // namespace portpool::platform
