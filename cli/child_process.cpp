#include "child_process.hpp"

#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <vector>

namespace portpool::cli {
namespace {

/// The signals that go to the command, and that of its end. Those of job control are left to do
/// what they do: a terminal sends them to both.
sigset_t signalsToTake() {
  sigset_t signals;
  sigfillset(&signals);
  for (const int signal : {SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGSEGV, SIGBUS, SIGFPE, SIGILL,
                           SIGTRAP, SIGABRT, SIGSYS}) {
    sigdelset(&signals, signal);
  }
  return signals;
}

/// Asks for the signal when the parent of this process, `parent`, ends.
void dieWith(pid_t parent, int signal) {
  ::prctl(PR_SET_PDEATHSIG, signal);
  if (::getppid() != parent) ::raise(signal);  // it has ended before
}

int statusOf(int status) {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/// Starts the command in a child whose signal mask is `mask`. Until it becomes the command, the
/// child has this process's memory, which has one thread only, and may do there what it likes: page
/// by page, a copy of it costs more than all else that is done here.
pid_t startCommand(const Command& command, const std::function<void()>& prepare,
                   const sigset_t& mask) {
  const auto self = ::getpid();
  // NOLINTBEGIN(clang-analyzer-security.insecureAPI.vfork,clang-analyzer-unix.Vfork)
  const auto child = ::vfork();
  if (child == 0) {
    dieWith(self, SIGKILL);
    ::sigprocmask(SIG_SETMASK, &mask, nullptr);
    prepare();
    ::_exit(becomeCommand(command));
  }
  // NOLINTEND(clang-analyzer-security.insecureAPI.vfork,clang-analyzer-unix.Vfork)
  if (child < 0) throw std::system_error(errno, std::generic_category(), "vfork");
  return child;
}

}  // namespace

int becomeCommand(const Command& command) {
  auto words = command;
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  ::execvp(argv[0], argv.data());
  const int error = errno;
  std::fprintf(stderr, "portpool: cannot run \"%s\": %s\n", argv[0], std::strerror(error));
  return error == ENOENT || error == ENOTDIR ? kNotFound : kNotExecutable;
}

int runCommand(const Command& command, const std::function<void()>& prepare) {
  const auto parent = ::getppid();
  const auto signals = signalsToTake();
  sigset_t before;
  ::signal(SIGCHLD, SIG_DFL);  // a parent that ignores it would leave no status
  ::sigprocmask(SIG_BLOCK, &signals, &before);
  const auto child = startCommand(command, prepare, before);
  // By a signal that is not the command's: one comes, too, when only that thread of the parent ends
  // which has started this process.
  dieWith(parent, SIGCHLD);
  bool isOrphan = false;
  for (;;) {
    // The command has some time to end by itself after its parent, and no more.
    constexpr timespec kTimeToEnd{5, 0};
    if (!isOrphan && ::getppid() != parent) {
      isOrphan = true;
      ::kill(child, SIGTERM);
    }
    siginfo_t signal{};
    const int number = isOrphan ? ::sigtimedwait(&signals, &signal, &kTimeToEnd)
                                : ::sigwaitinfo(&signals, &signal);
    if (number < 0 && errno == EINTR) continue;
    if (number < 0) {
      ::kill(child, SIGKILL);
    } else if (number == SIGCHLD) {
      // Others are left to this process by programs that ended before them.
      int status = 0;
      for (pid_t ended = 0; (ended = ::waitpid(-1, &status, WNOHANG)) > 0;) {
        if (ended == child) return statusOf(status);
      }
    } else if (signal.si_code != SI_KERNEL) {  // which a terminal's is: the command has it, too
      ::kill(child, number);
    }
  }
}

}  // namespace portpool::cli
