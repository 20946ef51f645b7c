// Preparations, done once, before anything is recorded.

#include "current_test.hpp"
#include "log.hpp"
#include "process.hpp"
#include "system.hpp"
#include "test_argument.hpp"

#include <dlfcn.h>

#include <atomic>

namespace portpool::audit {
namespace {

template <class Function>
void find(Function*& function, const char* name) {
  function = reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

void findAll(RealFunctions& functions) {
  find(functions.bind, "bind");
  find(functions.connect, "connect");
  find(functions.bindresvport, "bindresvport");
  find(functions.execve, "execve");
  find(functions.execvpe, "execvpe");
  find(functions.fexecve, "fexecve");
  find(functions.posixSpawn, "posix_spawn");
  find(functions.posixSpawnp, "posix_spawnp");
  find(functions.addChdir, "posix_spawn_file_actions_addchdir_np");
  find(functions.addFchdir, "posix_spawn_file_actions_addfchdir_np");
  find(functions.system, "system");
  find(functions.popen, "popen");
  find(functions.setenv, "setenv");
  find(functions.putenv, "putenv");
  find(functions.unsetenv, "unsetenv");
  find(functions.clearenv, "clearenv");
}

__attribute__((constructor)) void begin() { real(); }

}  // namespace

const RealFunctions& real() {
  static RealFunctions functions;
  static std::atomic<bool> isKnown{false};
  // Two threads that come first do the same twice: neither waits for one that may have forked.
  if (!isKnown.load(std::memory_order_acquire)) {
    const KeepErrno keepErrno;
    findAll(functions);
    readProcess();
    mapLog();
    readCurrentTest();
    announceArgument(functions);
    isKnown.store(true, std::memory_order_release);
  }
  return functions;
}

}  // namespace portpool::audit

// A sanitizer's runtime that is a library of its own wants to be the first that is loaded; this one
// takes nothing away from it. A program is asked before this, and ASAN_OPTIONS after it.
// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming): AddressSanitizer's name
PORTPOOL_AUDIT_EXPORT const char* __asan_default_options();
const char* __asan_default_options() { return "verify_asan_link_order=0"; }
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)
