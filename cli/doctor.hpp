#pragma once

// What `doctor` checks.

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
  std::string mend{};   ///< a command, or what else to do about it
  std::string ports{};  ///< the ports concerned, in the form that parsePortSet reads
};
using Findings = std::vector<Finding>;

// Each may throw std::exception, with a message for the user, if it cannot find out.

Findings checkVariables();
Findings checkEphemeralRange();
Findings checkServerPorts();
Findings checkLeases();
Findings checkPrograms();
Findings checkDescriptors();
Findings checkNamespaces();

}  // namespace portpool::cli
