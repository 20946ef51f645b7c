#include "doctor.hpp"

#include "commands.hpp"
#include "output.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <exception>
#include <iterator>
#include <string>

namespace portpool::cli {
namespace {

const char* nameOf(Severity severity) {
  switch (severity) {
    case Severity::OK:
      return "ok";
    case Severity::Warning:
      return "warning";
    case Severity::Error:
      break;
  }
  return "error";
}

/// All findings. Their texts may contain values of variables, with any characters.
Findings examine() {
  struct Check {
    const char* name;
    Findings (*run)();
  };
  Findings findings;
  for (const auto& check :
       {Check{"variables", checkVariables}, Check{"ephemeral range", checkEphemeralRange},
        Check{"server ports", checkServerPorts}, Check{"leases", checkLeases},
        Check{"programs", checkPrograms}, Check{"loopback", checkLoopback},
        Check{"descriptors", checkDescriptors}, Check{"isolation", checkNamespaces}}) {
    try {
      for (auto& finding : check.run()) {
        finding.check = check.name;
        finding.text = printable(finding.text);
        findings.push_back(std::move(finding));
      }
    } catch (const std::exception& error) {
      const auto text = printable(error.what());
      const bool isSaid = std::any_of(findings.begin(), findings.end(),
                                      [&](const Finding& finding) { return finding.text == text; });
      if (!isSaid) findings.push_back({check.name, Severity::Error, text});
    }
  }
  return findings;
}

std::string toJson(const Findings& findings, bool isHealthy) {
  using Json = nlohmann::ordered_json;
  auto list = Json::array();
  for (const auto& finding : findings) {
    list.push_back({{"check", finding.check},
                    {"severity", nameOf(finding.severity)},
                    {"text", finding.text},
                    {"ports", finding.ports.empty() ? Json() : Json(finding.ports)},
                    {"fix", finding.fix.empty() ? Json() : Json(finding.fix)}});
  }
  return Json{{"healthy", isHealthy}, {"findings", list}}.dump(2, ' ', false,
                                                               Json::error_handler_t::replace) +
         '\n';
}

std::string toText(const Findings& findings) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& finding : findings) {
    const auto ports = finding.ports.empty() ? "" : shortened(finding.ports) + ": ";
    rows.push_back({nameOf(finding.severity), finding.check, ports + finding.text});
    if (!finding.fix.empty()) rows.push_back({"", "", "fix: " + finding.fix});
  }
  return table(rows);
}

}  // namespace

int doctor(const DoctorOptions& options) {
  const auto findings = examine();
  const bool isHealthy = std::none_of(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.severity == Severity::Error;
  });
  print(options.asJson ? toJson(findings, isHealthy) : toText(findings));
  return isHealthy ? 0 : kFailure;
}

}  // namespace portpool::cli
