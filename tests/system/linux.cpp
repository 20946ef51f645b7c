#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "fork.hpp"
#include "platform/linux/abstract_names.hpp"
#include "platform/linux/ephemeral_range.hpp"
#include "platform/socket.hpp"
#include "system.hpp"
#include "unit/surroundings.hpp"

namespace portpool::test {
namespace {

[[noreturn]] void throwErrno(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

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

extern "C" {
int socket(int domain, int type, int protocol) noexcept {
  return callUnlessFailing(SYS_socket, {domain, type, protocol});
}
int unshare(int flags) noexcept { return callUnlessFailing(SYS_unshare, {flags, 0, 0}); }
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

void refuseAbstractNames() { failCall(SYS_socket, 0, AF_UNIX, EPERM); }

void refuseNamespaces() { failCall(SYS_unshare, 0, CLONE_NEWUSER | CLONE_NEWNET, EPERM); }

void refuseSocketQueries() { failCall(SYS_socket, 0, AF_NETLINK, EPERM); }

void hideSocketTables() {
  refuseSocketQueries();
  if (::unshare(CLONE_NEWNS) != 0 ||
      ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("none", "/proc", "tmpfs", 0, nullptr) != 0) {
    throw Refused("the kernel refuses another /proc");
  }
}

void dieOfInheritance() {
  dieWithoutFlag(SYS_openat, 2, O_CLOEXEC);
  dieWithoutFlag(SYS_socket, 1, SOCK_CLOEXEC);
}

std::unique_ptr<platform::LeaseRegistry> makeNamedRegistry() {
  return platform::makeAbstractNameRegistry();
}

int acceptFrom(int listener) noexcept {
  return ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
}

void dieWithParent() noexcept { ::prctl(PR_SET_PDEATHSIG, SIGKILL); }

bool enterOwnNetwork() {
  const auto uid = std::to_string(::geteuid());
  const bool isRoot = uid == "0";
  if (::unshare(isRoot ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET) != 0) return false;
  if (!isRoot) std::ofstream("/proc/self/uid_map") << uid << ' ' << uid << " 1\n";
  const platform::Socket socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq loopback{};
  std::strcpy(loopback.ifr_name, "lo");
  loopback.ifr_flags = IFF_UP;
  if (::ioctl(socket.get(), SIOCSIFFLAGS, &loopback) < 0) throwErrno("lo up");
  return true;
}

void setEphemeralRange(const std::string& range) {
  std::ofstream file(platform::kEphemeralRangeFile);
  if (!(file << range << std::endl)) throw Refused("the ephemeral range cannot be set");
}

void switchOffIPv6() {
  std::ofstream file("/proc/sys/net/ipv6/conf/all/disable_ipv6");
  if (!(file << 1 << std::endl)) throw Refused("IPv6 cannot be switched off");
}

void giveUpCapabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> none{};
  if (::syscall(SYS_capset, &header, none.data()) < 0) throwErrno("capset");
}

void runOn(int processor) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<unsigned>(processor), &set);
  if (::sched_setaffinity(0, sizeof set, &set) != 0) throw Refused("there is one processor");
}

void becomeRealTime() {
  sched_param parameter{};
  parameter.sched_priority = ::sched_get_priority_min(SCHED_FIFO);
  if (::sched_setscheduler(0, SCHED_FIFO, &parameter) != 0) {
    throw Refused("the kernel refuses real-time scheduling");
  }
}

pid_t forkBare() { return static_cast<pid_t>(::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)); }

}  // namespace portpool::test
