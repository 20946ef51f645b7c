#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>

#include "fork.hpp"
#include "platform/linux/ephemeral_range.hpp"
#include "platform/socket.hpp"
#include "system.hpp"
#include "unit/surroundings.hpp"

namespace portpool::test {

void refuseSocketQueries() { failCall(SYS_socket, 0, AF_NETLINK, EPERM); }

void hideSocketTables() {
  refuseSocketQueries();
  if (::unshare(CLONE_NEWNS) != 0 ||
      ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("none", "/proc", "tmpfs", 0, nullptr) != 0) {
    throw Refused("the kernel refuses another /proc");
  }
}

void mountForReading(const std::string& folder) {
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0 ||
      ::mount("none", folder.c_str(), "tmpfs", MS_RDONLY, nullptr) != 0) {
    throw Refused("the kernel refuses a mount");
  }
}

void dieOfInheritance() {
  dieWithoutFlag(SYS_openat, 2, O_CLOEXEC);
  dieWithoutFlag(SYS_socket, 1, SOCK_CLOEXEC);
}

bool areLeasesBound() { return true; }

NativeSocket acceptFrom(NativeSocket listener) noexcept {
  return ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
}

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

}  // namespace portpool::test
