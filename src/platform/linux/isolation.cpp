// Namespaces.

#include "platform/isolation.hpp"

#include "network.hpp"
#include "platform/socket.hpp"

#include <portpool/errors.hpp>

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <exception>
#include <string>
#include <system_error>

namespace portpool::platform {
namespace {

/// A step of the way into namespaces, and the error that the system refuses it with.
struct RefusedStep {
  const char* step;
  int error;
};

/// Throws a RefusedStep unless the call succeeded.
void require(bool succeeded, const char* step) {
  if (!succeeded) throw RefusedStep{step, errno};
}

void writeFile(const char* path, const std::string& text) {
  const Socket file(::open(path, O_WRONLY | O_CLOEXEC));
  require(static_cast<bool>(file), path);
  require(::write(file.get(), text.data(), text.size()) >= 0, path);
}

/// Lets this process write its own files in /proc, which are root's for a process that was started
/// with an effective user other than its real one.
class OwnFiles {
 public:
  OwnFiles() { ::prctl(PR_SET_DUMPABLE, 1); }
  OwnFiles(const OwnFiles&) = delete;
  OwnFiles& operator=(const OwnFiles&) = delete;
  ~OwnFiles() {
    if (before_ != 1) ::prctl(PR_SET_DUMPABLE, 0);
  }

 private:
  const int before_ = ::prctl(PR_GET_DUMPABLE);
};

/// Throws RefusedStep.
void enterNamespaces() {
  const OwnFiles ownFiles;
  const auto user = std::to_string(::geteuid());
  const auto group = std::to_string(::getegid());
  require(::unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0, "unshare");
  writeFile("/proc/self/setgroups", "deny");  // without it an ordinary user may not map a group
  writeFile("/proc/self/uid_map", user + ' ' + user + " 1");
  writeFile("/proc/self/gid_map", group + ' ' + group + " 1");

  const Socket socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  require(static_cast<bool>(socket), "socket");
  ifreq loopback{};
  loopback.ifr_name[0] = 'l';
  loopback.ifr_name[1] = 'o';
  require(::ioctl(socket.get(), SIOCGIFFLAGS, &loopback) == 0, "SIOCGIFFLAGS of lo");
  loopback.ifr_flags = static_cast<short>(loopback.ifr_flags | IFF_UP);
  require(::ioctl(socket.get(), SIOCSIFFLAGS, &loopback) == 0, "SIOCSIFFLAGS of lo");
}

[[noreturn]] void throwError(const RefusedStep& refusal) {
  throw IsolationError(
      std::string("cannot isolate this process: ") + refusal.step + ": " +
      std::generic_category().message(refusal.error) +
      (refusal.error == EINVAL ? "; isolate before the first thread starts"
       : refusal.error == EMFILE || refusal.error == ENFILE
           ? "; allow more file descriptors (ulimit -n)"
           : "; allow unprivileged user namespaces (sysctl user.max_user_namespaces, "
             "kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns; in a "
             "container, its seccomp profile, and a /proc that can be written)"));
}

/// Enters namespaces in a child, to see whether the system would stop this process half way. Throws
/// RefusedStep.
void rehearse() {
  std::array<int, 2> ends{};
  require(::pipe2(ends.data(), O_CLOEXEC) == 0, "pipe2");
  const Socket readEnd(ends[0]);
  Socket writeEnd(ends[1]);
  const auto child = ::fork();
  require(child >= 0, "fork");
  RefusedStep refusal{nullptr, 0};
  if (child == 0) {
    try {
      enterNamespaces();
    } catch (const RefusedStep& refused) {
      refusal = refused;  // whose text is in the parent, too
    } catch (const std::exception&) {
      refusal = {"memory", ENOMEM};
    }
    const auto size = ::write(writeEnd.get(), &refusal, sizeof refusal);
    ::_exit(size == sizeof refusal ? 0 : 1);
  }
  writeEnd.close();
  ssize_t size = 0;
  do {
    size = ::read(readEnd.get(), &refusal, sizeof refusal);
  } while (size < 0 && errno == EINTR);
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) continue;
  if (size != sizeof refusal) refusal = {"a child that tries it first", ECHILD};
  if (refusal.step != nullptr) throw RefusedStep(refusal);
}

}  // namespace

void isolate() {
  try {
    // A process with threads cannot enter them, though its child with one thread could.
    rehearse();
    enterNamespaces();
    ++networksLeft;
  } catch (const RefusedStep& refusal) {
    throwError(refusal);
  }
}

}  // namespace portpool::platform
