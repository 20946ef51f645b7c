// What starts programs: what the program would call, and a line of the log if this library will not
// be in the new program.

#include "log.hpp"
#include "program_file.hpp"
#include "system.hpp"

#include <alloca.h>
#include <spawn.h>
#include <unistd.h>

#include <climits>
#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <cstring>

namespace portpool::audit {
namespace {

bool isFollowed(char* const* environment) {
  const auto size = std::strlen(kLogVariable);
  for (; environment != nullptr && *environment != nullptr; ++environment) {
    if (std::strncmp(*environment, kLogVariable, size) == 0 && (*environment)[size] == '=') {
      return true;
    }
  }
  return false;
}

void recordProgram(const char* path, char* const* environment) {
  if (path == nullptr || ::access(path, X_OK) != 0) return;
  const char* why = isFollowed(environment) ? whyUnseen(path) : "started without this environment";
  if (why != nullptr) Line().add("unseen").add(path).add(why).write();
}

/// The program of that name along PATH.
void recordNamed(const char* name, char* const* environment) {
  char path[PATH_MAX];
  if (name != nullptr && findProgram(name, path, sizeof path)) recordProgram(path, environment);
}

/// The program that is open as `file`.
void recordOpen(int file, char* const* environment) {
  char open[40]{}, target[PATH_MAX]{};
  std::snprintf(open, sizeof open, "/proc/self/fd/%d", file);
  if (::readlink(open, target, sizeof target - 1) > 0) recordProgram(target, environment);
}

using Words = char* const*;
Real<int(const char*, Words, Words)> realExecve("execve");
Real<int(const char*, Words, Words)> realExecvpe("execvpe");
Real<int(int, Words, Words)> realFexecve("fexecve");
using Spawn = int(pid_t*, const char*, const posix_spawn_file_actions_t*, const posix_spawnattr_t*,
                  Words, Words);
Real<Spawn> realSpawn("posix_spawn");
Real<Spawn> realSpawnp("posix_spawnp");

int callExecve(const char* path, Words arguments, Words environment) {
  {
    const KeepErrno keepErrno;
    recordProgram(path, environment);
  }
  return realExecve.get()(path, arguments, environment);
}

int callExecvpe(const char* name, Words arguments, Words environment) {
  {
    const KeepErrno keepErrno;
    recordNamed(name, environment);
  }
  return realExecvpe.get()(name, arguments, environment);
}

}  // namespace

// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): there they are reserved
// NOLINTBEGIN(cppcoreguidelines-pro-type-const-cast): as execl takes its arguments
PORTPOOL_AUDIT_EXPORT int execve(const char* path, Words arguments, Words environment) noexcept {
  return callExecve(path, arguments, environment);
}

PORTPOOL_AUDIT_EXPORT int execv(const char* path, Words arguments) noexcept {
  return callExecve(path, arguments, environ);
}

PORTPOOL_AUDIT_EXPORT int execvpe(const char* name, Words arguments, Words environment) noexcept {
  return callExecvpe(name, arguments, environment);
}

PORTPOOL_AUDIT_EXPORT int execvp(const char* name, Words arguments) noexcept {
  return callExecvpe(name, arguments, environ);
}

PORTPOOL_AUDIT_EXPORT int fexecve(int file, Words arguments, Words environment) noexcept {
  {
    const KeepErrno keepErrno;
    recordOpen(file, environment);
  }
  return realFexecve.get()(file, arguments, environment);
}

PORTPOOL_AUDIT_EXPORT int posix_spawn(pid_t* pid, const char* path,
                                      const posix_spawn_file_actions_t* actions,
                                      const posix_spawnattr_t* attributes, Words arguments,
                                      Words environment) {
  {
    const KeepErrno keepErrno;
    recordProgram(path, environment);
  }
  return realSpawn.get()(pid, path, actions, attributes, arguments, environment);
}

PORTPOOL_AUDIT_EXPORT int posix_spawnp(pid_t* pid, const char* name,
                                       const posix_spawn_file_actions_t* actions,
                                       const posix_spawnattr_t* attributes, Words arguments,
                                       Words environment) {
  {
    const KeepErrno keepErrno;
    recordNamed(name, environment);
  }
  return realSpawnp.get()(pid, name, actions, attributes, arguments, environment);
}

// ---- Arguments one by one -----------------------------------------------------------------------

/// Makes `words` of the arguments from `first` to null, and lets `rest` begin behind that. On the
/// stack of its caller: a child of vfork shares its heap.
#define PORTPOOL_AUDIT_COLLECT                                                            \
  va_list rest, counted;                                                                  \
  va_start(rest, first);                                                                  \
  va_copy(counted, rest);                                                                 \
  std::size_t count = 1;                                                                  \
  for (const char* word = first; word != nullptr; word = va_arg(counted, char*)) ++count; \
  va_end(counted);                                                                        \
  auto** words = static_cast<char**>(alloca(count * sizeof(char*)));                      \
  words[0] = const_cast<char*>(first);                                                    \
  for (std::size_t i = 1; i < count; ++i) words[i] = va_arg(rest, char*)

PORTPOOL_AUDIT_EXPORT int execl(const char* path, const char* first, ...) noexcept {
  PORTPOOL_AUDIT_COLLECT;
  va_end(rest);
  return callExecve(path, words, environ);
}

PORTPOOL_AUDIT_EXPORT int execlp(const char* name, const char* first, ...) noexcept {
  PORTPOOL_AUDIT_COLLECT;
  va_end(rest);
  return callExecvpe(name, words, environ);
}

PORTPOOL_AUDIT_EXPORT int execle(const char* path, const char* first, ...) noexcept {
  PORTPOOL_AUDIT_COLLECT;
  Words environment = va_arg(rest, Words);
  va_end(rest);
  return callExecve(path, words, environment);
}
// NOLINTEND(cppcoreguidelines-pro-type-const-cast)
// NOLINTEND(readability-inconsistent-declaration-parameter-name)

}  // namespace portpool::audit
