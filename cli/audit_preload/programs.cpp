// What starts programs: what the program would call, and a line of the log if this library will not
// be in the new program.

#include "log.hpp"
#include "process.hpp"
#include "program_file.hpp"
#include "scratch.hpp"
#include "system.hpp"

#include <alloca.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>

namespace portpool::audit {
namespace {

struct Path {
  char text[PATH_MAX];
};

/// Whether the process can read memory there; the system tells, before it refuses what it is asked.
bool canRead(const void* address) {
  constexpr int kNone = -1;  // a way to change the mask of signals
  constexpr std::uintptr_t kSize = 8;
  const auto word = reinterpret_cast<std::uintptr_t>(address) / kSize * kSize;
  if (word == 0) return false;  // of which the system reads nothing
  return ::syscall(SYS_rt_sigprocmask, kNone, word, nullptr, kSize) == 0 || errno != EFAULT;
}

/// Whether the system will accept the environment.
bool canRead(Words environment) {
  for (; environment != nullptr; ++environment) {
    if (!canRead(static_cast<const void*>(environment))) return false;
    if (*environment == nullptr) break;
    if (!canRead(static_cast<const void*>(*environment))) return false;
  }
  return true;
}

/// Why this library will not be in a program that is started with the environment, or null.
const char* whyLeft(Words environment) {
  const auto size = std::strlen(kLogVariable);
  bool hasLog = false, hasLibrary = false;
  for (; environment != nullptr && *environment != nullptr; ++environment) {
    const char* variable = *environment;
    if (std::strncmp(variable, kLogVariable, size) == 0 && variable[size] == '=') {
      hasLog = variable[size + 1] != '\0';
    }
    constexpr char kPreload[] = "LD_PRELOAD=";
    if (std::strncmp(variable, kPreload, sizeof kPreload - 1) == 0) {
      hasLibrary = std::strstr(variable, kLibrary) != nullptr;
    }
  }
  if (!hasLog || !hasLibrary) return "started without this environment";
  if (::access(libraryPath(), R_OK) != 0) return "cannot read the audit's library";
  return ::access(logPath(), R_OK | W_OK) == 0 ? nullptr : "cannot write to the audit's log";
}

void recordProgram(const char* path, Words environment) {
  if (path == nullptr || ::access(path, X_OK) != 0 || !canRead(environment)) return;
  const char* why = whyLeft(environment);
  if (why == nullptr) why = whyUnseen(path);
  if (why != nullptr) Line().add("unseen").add(path).add(why).write();
}

/// The program of that name along PATH.
void recordNamed(const char* name, Words environment) {
  const Scratch<Path> path;
  if (!path) return countLostLine();
  auto& text = (*path).text;
  if (name != nullptr && findProgram(name, text, sizeof text)) recordProgram(text, environment);
}

/// The program that is open as `file`, or has that path from there.
void recordOpen(int file, const char* path, Words environment) {
  if (path == nullptr) return;  // as the system refuses it
  const Scratch<Path> target;
  if (!target) return countLostLine();
  auto& text = (*target).text;
  char open[40]{};
  std::snprintf(open, sizeof open, "/proc/self/fd/%d", file);
  const bool isRelative = *path != '\0' && *path != '/' && file != AT_FDCWD;
  if (*path != '\0' && !isRelative) return recordProgram(path, environment);
  const auto size = ::readlink(open, text, sizeof text - 1);
  if (size <= 0) return;
  const auto rest = std::strlen(path);
  if (isRelative && static_cast<std::size_t>(size) + 1 + rest < sizeof text) {
    text[size] = '/';
    std::memcpy(text + size + 1, path, rest);
  }
  recordProgram(text, environment);
}

/// Whether this process has ever asked for a program that starts in another folder.
std::atomic<bool> changesFolders{false};

/// Names the program as unseen if its path may lead elsewhere in the new process, which nobody
/// looks into; returns whether it does.
bool recordElsewhere(const char* path, const posix_spawn_file_actions_t* actions) {
  if (path == nullptr || actions == nullptr || !changesFolders.load(std::memory_order_relaxed)) {
    return false;
  }
  if (*path == '/' || std::strchr(path, '/') == nullptr) return false;
  Line().add("unseen").add(path).add("started by its path from another folder").write();
  return true;
}

int callExecve(const char* path, Words arguments, Words environment) {
  const auto& functions = real();
  {
    const KeepErrno keepErrno;
    recordProgram(path, environment);
  }
  return functions.execve(path, arguments, environment);
}

int callExecvpe(const char* name, Words arguments, Words environment) {
  const auto& functions = real();
  {
    const KeepErrno keepErrno;
    recordNamed(name, environment);
  }
  return functions.execvpe(name, arguments, environment);
}

/// Records the shell that runs a command for the program.
void recordShell() {
  const KeepErrno keepErrno;
  recordProgram("/bin/sh", environ);
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
  const auto& functions = real();
  {
    const KeepErrno keepErrno;
    recordOpen(file, "", environment);
  }
  return functions.fexecve(file, arguments, environment);
}

PORTPOOL_AUDIT_EXPORT int execveat(int file, const char* path, Words arguments, Words environment,
                                   int flags) noexcept {
  real();
  {
    const KeepErrno keepErrno;
    recordOpen(file, path, environment);
  }
  // Older C libraries have no such function.
  return static_cast<int>(::syscall(SYS_execveat, file, path, arguments, environment, flags));
}

PORTPOOL_AUDIT_EXPORT int posix_spawn(pid_t* pid, const char* path,
                                      const posix_spawn_file_actions_t* actions,
                                      const posix_spawnattr_t* attributes, Words arguments,
                                      Words environment) {
  const auto& functions = real();
  {
    const KeepErrno keepErrno;
    if (!recordElsewhere(path, actions)) recordProgram(path, environment);
  }
  return functions.posixSpawn(pid, path, actions, attributes, arguments, environment);
}

PORTPOOL_AUDIT_EXPORT int posix_spawnp(pid_t* pid, const char* name,
                                       const posix_spawn_file_actions_t* actions,
                                       const posix_spawnattr_t* attributes, Words arguments,
                                       Words environment) {
  const auto& functions = real();
  {
    const KeepErrno keepErrno;
    if (!recordElsewhere(name, actions)) recordNamed(name, environment);
  }
  return functions.posixSpawnp(pid, name, actions, attributes, arguments, environment);
}

PORTPOOL_AUDIT_EXPORT int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t* actions,
                                                               const char* path) noexcept {
  changesFolders.store(true, std::memory_order_relaxed);
  return real().addChdir(actions, path);
}

PORTPOOL_AUDIT_EXPORT int posix_spawn_file_actions_addfchdir_np(posix_spawn_file_actions_t* actions,
                                                                int folder) noexcept {
  changesFolders.store(true, std::memory_order_relaxed);
  return real().addFchdir(actions, folder);
}

PORTPOOL_AUDIT_EXPORT int system(const char* command) {
  const auto& functions = real();
  if (command != nullptr) recordShell();
  return functions.system(command);
}

PORTPOOL_AUDIT_EXPORT FILE* popen(const char* command, const char* mode) {
  const auto& functions = real();
  recordShell();
  return functions.popen(command, mode);
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
