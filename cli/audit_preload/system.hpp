#pragma once

// Helpers of the functions that take the place of the system's. They run in any program,
// in signal handlers on small stacks and in children of vfork: they take no memory from the heap
// and little from the stack, keep no descriptor, take no lock of the loader's that a plug-in may
// wait under, and make their own system calls by syscall(), which nobody cancels and nobody else
// intercepts.

#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdio>

namespace portpool::audit {

/// Leaves errno as it was.
class KeepErrno {
 public:
  KeepErrno() = default;
  KeepErrno(const KeepErrno&) = delete;
  KeepErrno& operator=(const KeepErrno&) = delete;
  ~KeepErrno() { errno = errno_; }

 private:
  int errno_ = errno;
};

using Words = char* const*;

/// The functions that the program would call without this library.
struct RealFunctions {
  using Spawn = int(pid_t*, const char*, const posix_spawn_file_actions_t*,
                    const posix_spawnattr_t*, Words, Words);

  int (*bind)(int, const sockaddr*, socklen_t);
  int (*connect)(int, const sockaddr*, socklen_t);
  int (*bindresvport)(int, sockaddr_in*);
  int (*execve)(const char*, Words, Words);
  int (*execvpe)(const char*, Words, Words);
  int (*fexecve)(int, Words, Words);
  Spawn* posixSpawn;
  Spawn* posixSpawnp;
  int (*system)(const char*);
  FILE* (*popen)(const char*, const char*);
  int (*addChdir)(posix_spawn_file_actions_t*, const char*);
  int (*addFchdir)(posix_spawn_file_actions_t*, int);
  int (*setenv)(const char*, const char*, int);
  int (*putenv)(char*);
  int (*unsetenv)(const char*);
  int (*clearenv)();
};

/// All of them, found when the library is loaded, or when a library calls that is initialized
/// before it. By then, too, it is known what this process is.
const RealFunctions& real();

}  // namespace portpool::audit

/// Marks what the library exports.
#define PORTPOOL_AUDIT_EXPORT extern "C" __attribute__((visibility("default")))
