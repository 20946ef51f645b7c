#include "process_state.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <fstream>
#include <sstream>

namespace portpool::cli {

ProcessState stateOf(pid_t pid) {
  constexpr unsigned kForkedWithoutExec = 0x40;  // PF_FORKNOEXEC of the kernel
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text, '\0');
  const auto end = text.rfind(')');  // of its name, which may contain any character
  if (end == std::string::npos) return {};
  ProcessState state;
  std::istringstream fields(text.substr(end + 1));
  std::string letter, other;
  unsigned flags = 0;
  fields >> letter >> state.parent >> other >> other >> other >> other >> flags;
  for (int i = 0; i < 12; ++i) fields >> other;  // those from 10 on
  fields >> state.start;
  state.isFork = (flags & kForkedWithoutExec) != 0;
  return state;
}

std::string programOf(pid_t pid) {
  std::array<char, PATH_MAX> path{};
  const auto size =
      ::readlink(("/proc/" + std::to_string(pid) + "/exe").c_str(), path.data(), path.size());
  return size < 0 ? "" : std::string(path.data(), static_cast<std::size_t>(size));
}

std::optional<pid_t> pidInNamespace(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  std::string word;
  while (file >> word && word != "NSpid:") {
  }
  std::string line;
  std::getline(file, line);
  std::istringstream pids(line);  // from the outermost namespace to its own
  int count = 0;
  pid_t last = 0;
  while (pids >> last) ++count;
  return count > 1 ? std::optional(last) : std::nullopt;
}

int openProcess(pid_t pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }

}  // namespace portpool::cli
