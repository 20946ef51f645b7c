// Forks in signal handlers. The one copy of the library in this program is enough: the handlers of
// pthread_atfork of two copies wait for each other where another thread forks as well.

#include <gtest/gtest.h>
#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#endif
#include <sys/time.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <functional>

#include <portpool/portpool.hpp>

#include "fork.hpp"
#include "surroundings.hpp"

namespace portpool::test {
namespace {

std::atomic<int> forksInHandler{0};

void forkAndWait() {
  const auto pid = ::fork();
  if (pid == 0) ::_exit(0);
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

/// Calls the function again and again, until a signal handler has often forked in the middle of it.
void forkInTheMiddleOf(const std::function<void()>& function) {
  ::alarm(60);  // a process that waits for itself waits for ever
  struct sigaction action {};
  action.sa_flags = SA_RESTART;
  action.sa_handler = [](int) {
    const int before = errno;
    forkAndWait();
    ++forksInHandler;
    errno = before;
  };
  require(::sigaction(SIGPROF, &action, nullptr) == 0, "sigaction");
  const itimerval each{{0, 1000}, {0, 1000}};
  require(::setitimer(ITIMER_PROF, &each, nullptr) == 0, "setitimer");
  while (forksInHandler < 200) function();
  const itimerval off{};
  ::setitimer(ITIMER_PROF, &off, nullptr);
}

TEST(SignalHandler, ThatForksAtAnyMomentLetsTheProcessGoOn) {
  EXPECT_TRUE(succeedsInChild([] {
    PortPool pool(getServerTCPPorts());
    forkInTheMiddleOf([&] {
      const auto owners = pool.allocateBlock(2);
      const PortScope scope;
      require(bindAnew("0.0.0.0", owners[0].port()) == 0, "the port is taken");
    });
  }));
}

/// In a process that has had threads, glibc's fork() takes locks, for which a fork in its middle
/// waits for ever.
bool canForkWhileItForks() {
#if __has_include(<sys/single_threaded.h>)
  return __libc_single_threaded != 0;
#else
  return true;
#endif
}

TEST(SignalHandler, ThatForksWhileTheProcessForksLetsItGoOn) {
  if (!canForkWhileItForks()) GTEST_SKIP() << "the C library hangs by itself";
  EXPECT_TRUE(succeedsInChild([] {
    PortPool pool(getServerTCPPorts());
    pool.allocate();
    forkInTheMiddleOf(forkAndWait);
    pool.allocate();
  }));
}

}  // namespace
}  // namespace portpool::test
