// What `doctor` looks at: what the system lets a process do.

#include "doctor.hpp"

#include "descriptor.hpp"
#include "trial.hpp"

#include <portpool/isolation.hpp>

#include <linux/magic.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>

namespace portpool::cli {
namespace {

std::optional<long> kernelSetting(const std::string& file) {
  std::ifstream stream("/proc/sys/" + file);
  long value = 0;
  return stream >> value ? std::optional(value) : std::nullopt;
}

/// The limit of which no namespace is left to this user, or "" if that is not what refuses them.
std::string reachedLimit() {
  struct Namespaces {
    int flag;
    const char* limit;
  };
  const auto trial = tryInChild([] {
    for (const auto& kind : {Namespaces{CLONE_NEWUSER, "max_user_namespaces"},
                             Namespaces{CLONE_NEWNET, "max_net_namespaces"}}) {
      if (::unshare(kind.flag) == 0) continue;
      throw std::runtime_error(errno == ENOSPC ? kind.limit : "");
    }
  });
  return trial.hasSucceeded || trial.lines.empty() ? "" : trial.lines.back();
}

/// The command that lets this user have namespaces, by what keeps it from them; "" if that is no
/// setting of this namespace.
std::string allowNamespaces() {
  if (!isProcMounted()) return kMountProc;
  if (const auto limit = reachedLimit(); !limit.empty()) {
    constexpr long kEnough = 10000, kNotThisOne = std::numeric_limits<int>::max() / 2;
    const auto most = kernelSetting("user/" + limit).value_or(0);
    if (most > kNotThisOne) return "";  // but that of a namespace further out
    return "sysctl -w user." + limit + '=' + std::to_string(std::max(kEnough, 2 * most));
  }
  if (kernelSetting("kernel/unprivileged_userns_clone") == 0) {
    return "sysctl -w kernel.unprivileged_userns_clone=1";
  }
  if (kernelSetting("kernel/apparmor_restrict_unprivileged_userns") == 1) {
    return "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0";
  }
  return "";
}

/// Whether this user may raise the hard limit.
bool mayOpen(rlim_t count) {
  const rlimit limit{count, count};
  return tryInChild([&] {
           if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) throw std::runtime_error("setrlimit");
         })
      .hasSucceeded;
}

}  // namespace

bool isProcMounted() {
  struct statfs system {};
  return ::statfs("/proc", &system) == 0 && system.f_type == PROC_SUPER_MAGIC;
}

Findings checkLoopback() {
  const Descriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq loopback{};
  loopback.ifr_name[0] = 'l';
  loopback.ifr_name[1] = 'o';
  if (::ioctl(socket.get(), SIOCGIFFLAGS, &loopback) != 0) {
    throw std::system_error(errno, std::generic_category(), "the loopback interface (lo)");
  }
  if ((loopback.ifr_flags & IFF_UP) != 0) {
    return {{"", Severity::OK, "the loopback interface is up"}};
  }
  return {{"", Severity::Error,
           "the loopback interface is down, so that no test can connect to its own server",
           "ip link set lo up"}};
}

Findings checkDescriptors() {
  constexpr rlim_t kFew = 256, kTooFew = 32, kEnough = 4096;
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const bool isUnlimited = limit.rlim_cur == RLIM_INFINITY;
  Finding finding{"", Severity::OK,
                  "a process may open " +
                      (isUnlimited ? "any number of" : std::to_string(limit.rlim_cur)) + " files"};
  if (limit.rlim_cur < kFew) {
    finding.severity = limit.rlim_cur < kTooFew ? Severity::Error : Severity::Warning;
    finding.text += "; each leased port takes one, and one more for each address it is held on";
    const auto most = std::to_string(kEnough);
    if (limit.rlim_max >= kFew) {
      finding.fix = "ulimit -n " + std::to_string(std::min(kEnough, limit.rlim_max));
    } else if (mayOpen(kEnough)) {
      finding.fix = "ulimit -n " + most;
    } else if (::geteuid() != 0) {
      finding.fix = "sudo prlimit --pid $$ --nofile=" + most + ':' + most;
    } else {
      finding.text +=
          "; root may not raise the hard limit here: Docker gives its containers theirs "
          "by --ulimit nofile=" +
          most;
    }
  }
  return {finding};
}

Findings checkNamespaces() {
  const auto* variable = std::getenv("PORTPOOL_ISOLATE");
  const std::string mode = variable == nullptr ? "0" : variable;
  const auto trial = tryInChild([&] {
    if (mode == "0" || mode == "try") {
      portpool::isolate();
    } else if (!isolateIfRequested()) {
      throw std::runtime_error("PORTPOOL_ISOLATE=" + mode + " stops every test program");
    }
  });
  if (trial.hasSucceeded) {
    return {
        {"", Severity::OK, "a test program can have a network of its own (PORTPOOL_ISOLATE=1)"}};
  }
  std::string text;
  for (const auto& line : trial.lines) text += (text.empty() ? "" : ": ") + line;
  const bool isMisspelt = mode != "0" && mode != "try" && mode != "1";
  const auto fix = isMisspelt ? "unset PORTPOOL_ISOLATE" : allowNamespaces();
  if (fix.empty()) text += "; Docker gives them by --security-opt seccomp=unconfined";
  return {{"", mode == "0" || mode == "try" ? Severity::Warning : Severity::Error, text, fix}};
}

}  // namespace portpool::cli
