#include "process_starts.hpp"

#include <spawn.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <stdexcept>
#include <system_error>

namespace portpool::bench {
namespace {

constexpr const char* kProgram = "/bin/true";

[[noreturn]] void throwNotStarted(int error) {
  throw std::system_error(error, std::generic_category(), kProgram);
}

void expectSuccess(int status) {
  if (status != 0) throw std::runtime_error(std::string(kProgram) + " fails");
}

void waitFor(pid_t child) {
  if (child < 0) throwNotStarted(errno);
  int status = 0;
  ::waitpid(child, &status, 0);
  expectSuccess(status);
}

void withFork() {
  const auto child = ::fork();
  if (child == 0) {
    ::execl(kProgram, kProgram, nullptr);
    ::_exit(127);
  }
  waitFor(child);
}

void withVfork() {
  const auto child = ::vfork();  // NOLINT(clang-analyzer-security.insecureAPI.vfork): as some do
  if (child == 0) {
    ::execl(kProgram, kProgram, nullptr);
    ::_exit(127);
  }
  waitFor(child);
}

void withPosixSpawn() {
  std::string name = kProgram;
  char* const arguments[] = {name.data(), nullptr};
  pid_t child = 0;
  const int error = ::posix_spawn(&child, kProgram, nullptr, nullptr, arguments, environ);
  if (error != 0) throwNotStarted(error);
  waitFor(child);
}

void withPopen() {
  auto* const output = ::popen(kProgram, "r");
  if (output == nullptr) throwNotStarted(errno);
  expectSuccess(::pclose(output));
}

}  // namespace

const std::map<std::string, ProcessStart>& waysToStart() {
  static const std::map<std::string, ProcessStart> ways = {
      {"none", nullptr},    {"fork", withFork},
      {"vfork", withVfork}, {"posix_spawn", withPosixSpawn},
      {"popen", withPopen},
  };
  return ways;
}

}  // namespace portpool::bench
