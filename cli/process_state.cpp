#include "process_state.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

namespace portpool::cli {

ProcessState stateOf(pid_t pid) {
  constexpr unsigned kForkedWithoutExec = 0x40;  // PF_FORKNOEXEC of the kernel
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text, '\0');
  const auto begin = text.find('('), end = text.rfind(')');
  if (begin == std::string::npos || end == std::string::npos) return {};
  ProcessState state;
  state.program = text.substr(begin + 1, end - begin - 1);
  std::istringstream fields(text.substr(end + 1));
  std::string letter, other;
  unsigned flags = 0;
  fields >> letter >> state.parent >> other >> other >> other >> other >> flags;
  for (int i = 0; i < 12; ++i) fields >> other;  // those from 10 on
  fields >> state.start;
  state.isFork = (flags & kForkedWithoutExec) != 0;
  return state;
}

int openProcess(pid_t pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }

}  // namespace portpool::cli
