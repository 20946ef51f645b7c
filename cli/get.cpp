#include "ports.hpp"
#include "process_state.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <exception>
#include <limits>
#include <string>
#include <system_error>

namespace portpool::cli {
namespace {

[[noreturn]] void throwError(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

// ---- The shell ----------------------------------------------------------------------------------

bool isShell(const std::string& program) {
  for (const auto* shell : {"sh", "bash", "dash", "zsh", "ksh", "mksh", "ash", "busybox", "yash"}) {
    if (program == shell) return true;
  }
  return false;
}

/// The process that called this program: of a shell that forked itself for $(...) or a pipe, the
/// one that runs the script.
pid_t callingProcess() {
  auto pid = ::getppid();
  for (auto state = stateOf(pid); state.isFork && isShell(state.program); state = stateOf(pid)) {
    pid = state.parent;
  }
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

/// Takes the ports, writes them to `answer`, and keeps them as long as the process runs.
int hold(const PortOptions& options, int process, int answer) {
  detach(process, answer);
  std::vector<TCPPortOwner> owners;
  try {
    owners = takePorts(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "portpool: %s\n", error.what());
    return kFailure;
  }
  std::string text;
  for (const auto& owner : owners) text += std::to_string(owner.port()) + '\n';
  replaceByNull(STDERR_FILENO);
  if (::write(answer, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return kFailure;
  }
  ::close(answer);
  pollfd ended{process, POLLIN, 0};
  while (::poll(&ended, 1, -1) < 0 && errno == EINTR) {
  }
  return 0;
}

}  // namespace

int get(const GetOptions& options) {
  const auto pid = options.pid.value_or(callingProcess());
  const int process = openProcess(pid);
  if (process < 0) {
    throwError("cannot lease ports for process " + std::to_string(pid) +
               "; name a running process with --for");
  }
  std::array<int, 2> answer{};
  if (::pipe2(answer.data(), O_CLOEXEC) != 0) throwError("pipe");
  const auto child = ::fork();
  if (child < 0) throwError("fork");
  if (child == 0) {
    ::close(answer[0]);
    ::_exit(hold(options.ports, process, answer[1]));
  }
  ::close(answer[1]);
  std::string text;
  std::array<char, 4096> piece{};
  for (;;) {
    const auto count = ::read(answer[0], piece.data(), piece.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    text.append(piece.data(), static_cast<std::size_t>(count));
  }
  if (text.empty()) return kFailure;  // and it has said why
  if (std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0) throwError("stdout");
  return 0;
}

}  // namespace portpool::cli
