// What `doctor` looks at: what the system lets a process do.

#include "doctor.hpp"

#include "trial.hpp"

#include <portpool/isolation.hpp>

#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

namespace portpool::cli {
namespace {

/// The command that lets ordinary users have namespaces, by the setting that keeps them from it.
std::string allowNamespaces() {
  struct Setting {
    const char* file;
    long refusing;
    const char* command;
  };
  for (const auto& setting :
       {Setting{"user/max_user_namespaces", 0, "sysctl -w user.max_user_namespaces=10000"},
        Setting{"user/max_net_namespaces", 0, "sysctl -w user.max_net_namespaces=10000"},
        Setting{"kernel/unprivileged_userns_clone", 0,
                "sysctl -w kernel.unprivileged_userns_clone=1"},
        Setting{"kernel/apparmor_restrict_unprivileged_userns", 1,
                "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"}}) {
    std::ifstream file(std::string("/proc/sys/") + setting.file);
    if (long value = 0; file >> value && value == setting.refusing) return setting.command;
  }
  return "in a container: docker run --security-opt seccomp=unconfined";
}

}  // namespace

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
    finding.mend = "ulimit -n " + std::to_string(std::min(kEnough, limit.rlim_max));
    if (limit.rlim_max < kFew) finding.mend = "ulimit -n 4096, as root";
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
  return {{"", mode == "0" || mode == "try" ? Severity::Warning : Severity::Error, text,
           isMisspelt ? "unset PORTPOOL_ISOLATE" : allowNamespaces()}};
}

}  // namespace portpool::cli
