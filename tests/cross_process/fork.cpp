#include "fork.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>

namespace portpool::test {

ForkedChild::ForkedChild(const std::function<void()>& function) : pid_(::fork()) {
  if (pid_ < 0) throwErrno("fork");
  if (pid_ > 0) return;
  int status = 0;
  try {
    dieWithParent();  // should the test itself be killed
    function();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "child %d: %s\n", ::getpid(), error.what());
    status = 1;
  }
  std::fflush(nullptr);
  ::_exit(status);
}

ForkedChild::~ForkedChild() {
  if (pid_ > 0) kill();
}

bool ForkedChild::succeeds() {
  int status = 0;
  if (::waitpid(pid_, &status, 0) != pid_) throwErrno("waitpid");
  pid_ = -1;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void ForkedChild::kill() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

bool succeedsInChild(const std::function<void()>& function) {
  return ForkedChild(function).succeeds();
}

void require(bool condition, const char* what) {
  if (!condition) throw std::runtime_error(what);
}

void throwErrno(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

void reap(pid_t pid) {
  int status = 0;
  require(pid > 0 && ::waitpid(pid, &status, 0) == pid, "no child");
  if (status != 0) throw std::runtime_error("a child ended with status " + std::to_string(status));
}

Signal::Signal() {
  if (::pipe(ends_) != 0) throwErrno("pipe");
}

Signal::~Signal() {
  ::close(ends_[0]);
  if (ends_[1] >= 0) ::close(ends_[1]);
}

void Signal::send() const {
  const char byte = 0;
  if (::write(ends_[1], &byte, 1) != 1) throwErrno("write");
}

void Signal::await() {
  ::close(ends_[1]);  // else the sender's death would go unnoticed
  ends_[1] = -1;
  char byte = 0;
  if (::read(ends_[0], &byte, 1) != 1) throw std::runtime_error("the sender died");
}

void sleepUntilKilled() {
  for (;;) ::pause();
}

void becomeUser(unsigned number) {
  constexpr unsigned kFirst = 61184;  // numbers that no distribution gives to people
  if (::geteuid() == 0 && ::setuid(kFirst + number) != 0) throwErrno("setuid");
}

bool actAtOnceWithAnotherUser(int times, const std::function<void(int)>& act) {
  struct Steps {
    std::atomic<int> begun{0}, failed{0};
  };
  const Shared<Steps> steps;
  const auto actInStep = [&] {
    for (int i = 0; i < times; ++i) {
      ++steps->begun;
      while (steps->begun < 2 * i + 2) std::this_thread::yield();
      try {
        act(i);
      } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        ++steps->failed;
      }
    }
  };
  ForkedChild other([&] {
    becomeUser(0);
    actInStep();
  });
  actInStep();
  return other.succeeds() && steps->failed == 0;
}

}  // namespace portpool::test
