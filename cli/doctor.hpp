#pragma once

// What `doctor` looks at.

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
  std::string mend{};   ///< a command, or what else is to be done
  std::string ports{};  ///< of which it speaks, as parsePortSet reads them
};
using Findings = std::vector<Finding>;

// Each may throw std::exception, with a message for the user, where it cannot tell.

Findings checkVariables();
Findings checkEphemeralRange();
Findings checkServerPorts();
Findings checkLeases();
Findings checkPrograms();
Findings checkDescriptors();
Findings checkNamespaces();

}  // namespace portpool::cli
