#include "ports.hpp"
#include "process_state.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

namespace portpool::cli {
namespace {

[[noreturn]] void throwError(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

// ---- The shell ----------------------------------------------------------------------------------

/// By the name of its program's file, such as "bash", "ksh93" or "bash-static": what a process
/// calls itself is the script's name if the script was started by its first line.
bool isShell(const std::string& program) {
  const auto name = program.substr(program.rfind('/') + 1);
  const auto family = name.substr(0, name.find_first_of("-.0123456789 "));
  for (const auto* shell : {"sh", "bash", "rbash", "dash", "zsh", "ksh", "mksh", "lksh", "ash",
                            "busybox", "yash", "posh"}) {
    if (family == shell) return true;
  }
  return name == "static-sh";
}

/// The process that called this program: of a shell that forked itself for $(...) or a pipe, the
/// one that runs the script.
pid_t callingProcess() {
  constexpr pid_t kInit = 1;  // which inherits those whose parent has ended
  const auto fail = [](const std::string& what) {
    throw std::runtime_error(what +
                             "; name the process that is to have the ports by --for, as in " +
                             "portpool get --for $$");
  };
  auto pid = ::getppid();
  auto program = programOf(pid);
  if (program.empty()) fail("/proc does not show which process calls");
  while (isShell(program) && stateOf(pid).isFork) {
    const auto parent = stateOf(pid).parent;
    if (programOf(parent) != program) break;
    pid = parent;
  }
  if (pid == kInit && !isShell(program)) fail("the process that called has ended");
  return pid;
}

// ---- The process that holds the leases ----------------------------------------------------------

void replaceByNull(int descriptor) {
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0 || ::dup2(null, descriptor) < 0) throwError("/dev/null");
  ::close(null);
}

/// Leaves what it has inherited: whoever waits for the end of a pipe, or unmounts a folder, waits
/// for nothing here.
void detach(int process, int answer) {
  ::setsid();
  if (::chdir("/") != 0) throwError("chdir");
  replaceByNull(STDIN_FILENO);
  replaceByNull(STDOUT_FILENO);
  const auto [first, second] = std::minmax(process, answer);
  const auto close = [](int from, unsigned to) { ::syscall(SYS_close_range, from, to, 0); };
  close(STDERR_FILENO + 1, static_cast<unsigned>(first - 1));
  close(first + 1, static_cast<unsigned>(second - 1));
  close(second + 1, std::numeric_limits<unsigned>::max());
}

/// Names the process in the command line that the system shows for this process, if there is room:
/// a list of ports then shows whose they are.
void showFor(pid_t pid, char** words) {
  const auto line = std::string(words[0]) + " get --for " + std::to_string(pid);
  // In memory, the environment comes right after the words. Copies of its variables make room
  // there.
  char* end = words[0];
  const auto passIfNext = [&](const char* text) {
    if (text == end) end += std::strlen(text) + 1;
  };
  for (auto** word = words; *word != nullptr; ++word) passIfNext(*word);
  const auto size = static_cast<std::size_t>(end - words[0]);
  for (auto** variable = environ; *variable != nullptr; ++variable) {
    passIfNext(*variable);
    *variable = ::strdup(*variable);
    if (*variable == nullptr) return;
  }
  if (line.size() >= static_cast<std::size_t>(end - words[0])) return;
  std::memset(words[0], 0, size);
  std::memcpy(words[0], line.c_str(), line.size() + 1);
}

/// Takes the ports, writes them to `answer`, and keeps them as long as the process runs. Until it
/// has answered, it ends with `parent`.
int hold(const GetOptions& options, pid_t pid, int process, int answer, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) return kFailure;
  detach(process, answer);
  std::vector<TCPPortOwner> owners;
  try {
    owners = takePorts(options.ports);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "portpool: %s\n", error.what());
    return kFailure;
  }
  std::string text;
  for (const auto& owner : owners) text += std::to_string(owner.port()) + '\n';
  replaceByNull(STDERR_FILENO);
  showFor(pid, options.words);
  ::prctl(PR_SET_PDEATHSIG, 0);
  if (::write(answer, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return kFailure;
  }
  ::close(answer);
  pollfd ended{process, POLLIN, 0};
  while (::poll(&ended, 1, -1) < 0 && errno == EINTR) {
  }
  return 0;
}

/// What can be read from the pipe until its end, or nothing if the process ends before.
std::optional<std::string> readWhileRunning(int process, int answer) {
  std::string text;
  std::array<char, 4096> piece{};
  for (;;) {
    std::array<pollfd, 2> states{{{answer, POLLIN, 0}, {process, POLLIN, 0}}};
    if (::poll(states.data(), states.size(), -1) < 0) continue;  // a signal
    if (states[1].revents != 0) return std::nullopt;
    const auto count = ::read(answer, piece.data(), piece.size());
    if (count == 0) return text;
    if (count > 0) text.append(piece.data(), static_cast<std::size_t>(count));
  }
}

}  // namespace

int get(const GetOptions& options) {
  checkPorts(options.ports);
  ::signal(SIGPIPE, SIG_IGN);      // of an output that nobody reads: the ports are given back
  ::unsetenv("PORTPOOL_ISOLATE");  // the ports are for a process of this network
  const auto pid = options.pid ? *options.pid : callingProcess();
  const int process = openProcess(pid);
  if (process < 0) {
    throwError("cannot lease ports for process " + std::to_string(pid) +
               "; name a running process with --for");
  }
  std::array<int, 2> answer{};
  if (::pipe2(answer.data(), O_CLOEXEC) != 0) throwError("pipe");
  const auto self = ::getpid();
  const auto child = ::fork();
  if (child < 0) throwError("fork");
  if (child == 0) {
    ::close(answer[0]);
    ::_exit(hold(options, pid, process, answer[1], self));
  }
  ::close(answer[1]);
  const auto text = readWhileRunning(process, answer[0]);
  if (text && text->empty()) return kFailure;  // and it has said why
  if (text && std::fputs(text->c_str(), stdout) >= 0 && std::fflush(stdout) == 0) return 0;
  const int error = errno;
  ::kill(child, SIGKILL);
  if (text) throw std::system_error(error, std::generic_category(), "stdout");
  throw std::runtime_error("process " + std::to_string(pid) +
                           " has ended; name one that runs by --for");
}

}  // namespace portpool::cli
