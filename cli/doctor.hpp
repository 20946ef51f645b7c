#pragma once

// What `doctor` checks.

#include <portpool/port_set.hpp>

#include <string>
#include <vector>

namespace portpool::cli {

enum class Severity {
  OK,
  Warning,  ///< tests may be flaky
  Error,    ///< something will fail
};

struct Finding {
  std::string check;
  Severity severity = Severity::OK;
  std::string text{};
  std::string fix{};    ///< a command, or "" where the text alone can say what to do
  std::string ports{};  ///< of which it speaks, as parsePortSet reads them
};
using Findings = std::vector<Finding>;

inline constexpr const char* kMountProc = "mount -t proc proc /proc";
bool isProcMounted();

/// As getServerTCPPorts(), without a word on stderr: checkVariables has it.
PortSet serverPorts();

inline constexpr const char* kManyPorts = "20000-29999";

/// Advises other server ports, such as these: by a command, if a command can set them.
void adviseOtherPorts(Finding& finding, const std::string& such);

// Each may throw std::exception, with a message for the user, where it cannot tell.

Findings checkVariables();
Findings checkEphemeralRange();
Findings checkServerPorts();
Findings checkLeases();
Findings checkPrograms();
Findings checkLoopback();
Findings checkDescriptors();
Findings checkNamespaces();

}  // namespace portpool::cli
