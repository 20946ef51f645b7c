#pragma once

// What the doctor says.

#include "answers.hpp"

#include <string>

namespace portpool::test {

struct Diagnosis {
  explicit Diagnosis(const ProcessResult& result)
      : exitCode(result.exitCode), findings(jsonOf(result)["findings"]) {}

  /// The findings of that check, and of a severity unless it is "".
  Json of(const char* check, const std::string& severity = "") const {
    auto found = having(findings, "check", check);
    return severity.empty() ? found : having(found, "severity", severity);
  }

  int exitCode;
  Json findings;
};

inline Diagnosis diagnose(const Variables& variables = {}) {
  return Diagnosis(runPortpool({"doctor", "--json"}, variables));
}

inline Diagnosis diagnoseAfter(const std::string& script, const std::string& command = "portpool") {
  return Diagnosis(runScript(script + "; " + command + " doctor --json"));
}

/// In a network of its own, after a script that may change its settings.
inline Diagnosis diagnoseIsolated(const std::string& script) {
  return Diagnosis(runPortpool(
      {"isolate", "--", "sh", "-c", script + "; exec " PORTPOOL_COMMAND " doctor --json"}));
}

}  // namespace portpool::test
