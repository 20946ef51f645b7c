#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <iterator>
#include <vector>

#include "fork.hpp"

namespace portpool::test {
namespace {

constexpr const char* kNoFilters = "the system filters no system calls";

/// Returns whether the system filters calls.
bool install(sock_filter* filter, unsigned short size) {
  const sock_fprog program{size, filter};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) throwErrno("PR_SET_NO_NEW_PRIVS");
  if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0) return true;
  if (errno != EINVAL) throwErrno("PR_SET_SECCOMP");
  return false;
}

constexpr sock_filter loadArgument(unsigned index) {
  return BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                  static_cast<unsigned>(offsetof(seccomp_data, args) + index * sizeof(__u64)));
}

constexpr sock_filter kLoadCall =
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<unsigned>(offsetof(seccomp_data, nr)));

/// A call that fails by the functions below, which stand in for the C library's: where the system
/// filters no calls, or the library makes one whose arguments a filter does not see (socketcall).
struct FailingCall {
  unsigned call, argument, value;
  int error;
};
std::vector<FailingCall> failingCalls;

int callUnlessFailing(unsigned call, std::array<int, 3> arguments) {
  for (const auto& each : failingCalls) {
    if (each.call == call && arguments.at(each.argument) == static_cast<int>(each.value)) {
      errno = each.error;
      return -1;
    }
  }
  return static_cast<int>(::syscall(call, arguments[0], arguments[1], arguments[2]));
}

}  // namespace

// As the library declares them, which is not everywhere the same.
extern "C" {
int socket(int domain, int type, int protocol) noexcept(noexcept(::socket(0, 0, 0))) {
  return callUnlessFailing(SYS_socket, {domain, type, protocol});
}
int unshare(int flags) noexcept(noexcept(::unshare(0))) {
  return callUnlessFailing(SYS_unshare, {flags, 0, 0});
}
}

void failCall(unsigned call, unsigned argument, unsigned value, int error) {
  sock_filter filter[] = {
      kLoadCall,
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 3),
      loadArgument(argument),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(error)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  if (install(filter, std::size(filter))) return;
  if (call != SYS_socket && call != SYS_unshare) throw Refused(kNoFilters);
  failingCalls.push_back({call, argument, value, error});
}

void dieWithoutFlag(unsigned call, unsigned argument, unsigned flag) {
  sock_filter filter[] = {
      kLoadCall,
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 3),
      loadArgument(argument),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, flag, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  if (!install(filter, std::size(filter))) throw Refused(kNoFilters);
}

void refuseNamespaces() { failCall(SYS_unshare, 0, CLONE_NEWUSER | CLONE_NEWNET, EPERM); }

void dieWithParent() noexcept { ::prctl(PR_SET_PDEATHSIG, SIGKILL); }

}  // namespace portpool::test
