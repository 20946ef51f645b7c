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
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

namespace portpool::cli {
namespace {

/// The signals that go to the command, and that of its end. Those of job control are left to do
/// what they do: a terminal sends them to both.
sigset_t signalsToTake() {
  sigset_t signals;
  sigfillset(&signals);
  for (const int signal :
       {SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS}) {
    sigdelset(&signals, signal);
  }
  return signals;
}

std::optional<sigset_t> maskBefore;  // they were held

constexpr int kEndedWithParent = 128 + SIGTERM;
pid_t theParent = 0;  // for a signal's handler

bool isEndOfChildIgnored = false;  // by this program when it was started

void handleEndOfChild(sighandler_t handler) {
  if (::signal(SIGCHLD, handler) == SIG_IGN) isEndOfChildIgnored = true;
}

/// Asks for the signal when the thread ends that has started this process.
void askForEndOf(pid_t parent, int signal) {
  ::prctl(PR_SET_PDEATHSIG, signal);
  if (::getppid() != parent) ::raise(signal);  // it has ended before
}

int statusOf(int status) {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

std::vector<char*> pointersTo(Command& command) {
  std::vector<char*> words;
  for (auto& word : command) words.push_back(word.data());
  words.push_back(nullptr);
  return words;
}

/// As becomeCommand().
int execute(const std::vector<char*>& words) {
  ::execvp(words[0], words.data());
  const int error = errno;
  std::fprintf(stderr, "portpool: cannot run \"%s\": %s\n", words[0], std::strerror(error));
  return error == ENOENT || error == ENOTDIR ? kNotFound : kNotExecutable;
}

/// Starts the command in a child whose signal mask is `mask`. Until it becomes the command, the
/// child has this process's memory, which has one thread only, and may do there what it likes: page
/// by page, a copy of it costs more than all else that is done here.
pid_t startCommand(Command command, const std::function<void()>& prepare, const sigset_t& mask) {
  const auto self = ::getpid();
  const auto words = pointersTo(command);  // what the child allocates, nobody frees
  // NOLINTBEGIN(clang-analyzer-security.insecureAPI.vfork,clang-analyzer-unix.Vfork)
  const auto child = ::vfork();
  if (child == 0) {
    askForEndOf(self, SIGKILL);
    if (isEndOfChildIgnored) ::signal(SIGCHLD, SIG_IGN);
    ::sigprocmask(SIG_SETMASK, &mask, nullptr);
    prepare();
    ::_exit(execute(words));
  }
  // NOLINTEND(clang-analyzer-security.insecureAPI.vfork,clang-analyzer-unix.Vfork)
  if (child < 0) throw std::system_error(errno, std::generic_category(), "vfork");
  return child;
}

}  // namespace

int becomeCommand(Command command) { return execute(pointersTo(command)); }

pid_t endWithParent() {
  // That signal comes, too, when a thread of the parent ends, and the parent lives.
  theParent = ::getppid();
  handleEndOfChild([](int) {
    if (::getppid() != theParent) ::_exit(kEndedWithParent);
  });
  askForEndOf(theParent, SIGCHLD);
  return theParent;
}

void holdSignals() {
  if (maskBefore) return;
  const auto signals = signalsToTake();
  ::sigprocmask(SIG_BLOCK, &signals, &maskBefore.emplace());
}

int runCommand(const Command& command, pid_t parent, const std::function<void()>& prepare) {
  const auto signals = signalsToTake();
  handleEndOfChild(SIG_DFL);  // a parent that ignores it would leave no status
  holdSignals();
  if (::getppid() != parent) return kEndedWithParent;
  const auto child = startCommand(command, prepare, *maskBefore);
  askForEndOf(parent, SIGCHLD);
  bool isOrphan = false;
  for (;;) {
    // The command has some time to end by itself after the parent, and no more.
    constexpr timespec kTimeToEnd{5, 0};
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
      // Of a parent in another pid namespace there is nothing but the signal of its thread.
      const bool hasParent = parent == 0 ? signal.si_code > 0 : ::getppid() == parent;
      if (!hasParent && !std::exchange(isOrphan, true)) ::kill(child, SIGTERM);
    } else if (signal.si_code != SI_KERNEL || number == SIGHUP || ::getpgid(child) != ::getpgrp()) {
      // Others that the kernel sends are a terminal's, which the command has, too.
      ::kill(child, number);
    }
  }
}

}  // namespace portpool::cli
