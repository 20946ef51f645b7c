// What the POSIX systems have in common.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <stdexcept>
#include <system_error>

#include "fork.hpp"
#include "platform/posix/sockets.hpp"
#include "system.hpp"
#include "unit/surroundings.hpp"

namespace portpool::test {
namespace {

int checked(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

}  // namespace

// ---- Sockets of programs that know nothing of portpool ------------------------------------------

platform::Socket newSocket(int family, int type) { return platform::newSocket(family, type); }

int lastSocketError() noexcept { return errno; }

void setNonBlocking(NativeSocket socket) {
  checked(::fcntl(socket, F_SETFL, ::fcntl(socket, F_GETFL) | O_NONBLOCK), "fcntl");
}

void endSending(NativeSocket socket) { checked(::shutdown(socket, SHUT_WR), "shutdown"); }

bool hasReusePort() { return true; }

void setReusePort(NativeSocket socket, bool isOn) {
  const int value = isOn ? 1 : 0;
  checked(::setsockopt(socket, SOL_SOCKET, SO_REUSEPORT, &value, sizeof value), "setsockopt");
}

bool isOpen(NativeSocket socket) noexcept { return ::fcntl(socket, F_GETFD) >= 0; }

bool isInherited(NativeSocket socket) noexcept {
  return (::fcntl(socket, F_GETFD) & FD_CLOEXEC) == 0;
}

bool showsOwnersOfSockets() { return true; }

std::size_t countDescriptors() {
  using Entries = std::filesystem::directory_iterator;
  return static_cast<std::size_t>(std::distance(Entries("/dev/fd"), Entries()));
}

// ---- Processes ----------------------------------------------------------------------------------

bool isEmulated() { return false; }

void setVariable(const std::string& name, const std::optional<std::string>& value) {
  value ? ::setenv(name.c_str(), value->c_str(), 1) : ::unsetenv(name.c_str());
}

bool canSetToNothing() { return true; }

bool hasVariablesByCase() { return true; }

std::shared_ptr<FILE> startProgram(const std::string& path, const std::string& argument) {
  // NOLINTNEXTLINE(cert-env33-c): the command is the test's own
  FILE* output = ::popen(("exec " + path + ' ' + argument + " 2>&1").c_str(), "re");
  if (output == nullptr) throw std::runtime_error("popen");
  return {output, ::pclose};
}

StderrPipe::StderrPipe() : before_(checked(::dup(STDERR_FILENO), "dup")) {
  std::array<int, 2> ends{};
  checked(::pipe(ends.data()), "pipe");
  for (const int end : ends) checked(::fcntl(end, F_SETFD, FD_CLOEXEC), "fcntl");
  readEnd_ = ends[0];
  ::dup2(ends[1], STDERR_FILENO);
  ::close(ends[1]);
}

StderrPipe::~StderrPipe() {
  ::dup2(static_cast<int>(before_), STDERR_FILENO);
  ::close(static_cast<int>(before_));
  ::close(static_cast<int>(readEnd_));
}

char StderrPipe::read() const {
  char byte = 0;
  checked(static_cast<int>(::read(static_cast<int>(readEnd_), &byte, 1)), "read");
  return byte;
}

bool StderrPipe::hasByte() const {
  pollfd readable{static_cast<int>(readEnd_), POLLIN, 0};
  return ::poll(&readable, 1, 0) == 1;
}

void checkInChild(const std::function<void()>& check) {
  const Shared<std::array<char, 200>> refusal;
  ForkedChild child([&] {
    try {
      check();
    } catch (const Refused& refused) {
      std::strncpy(refusal->data(), refused.what(), refusal->size() - 1);
    }
    if (::testing::Test::HasFailure()) throw std::runtime_error("a check failed");
  });
  EXPECT_TRUE(child.succeeds());
  if ((*refusal)[0] != '\0') GTEST_SKIP() << refusal->data();
}

void allowSockets(std::size_t count) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = static_cast<rlim_t>(count);
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) {
    throw Refused("the limit of descriptors cannot be raised");
  }
}

}  // namespace portpool::test
