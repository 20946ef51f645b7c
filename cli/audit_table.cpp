#include "audit_report.hpp"
#include "output.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <functional>

namespace portpool::cli {
namespace {

constexpr std::size_t kColumns = 7;
using Row = std::array<std::string, kColumns>;

constexpr std::size_t kLongestText = 60;  // of a text in a column

/// The different texts of the uses, the first of them in full.
std::string listed(const UnleasedPort& finding,
                   const std::function<std::string(const PortUse&)>& textOf) {
  constexpr std::size_t kShown = 3;
  std::vector<std::string> texts;
  for (const auto* use : finding.uses) {
    auto text = textOf(*use);
    text = shortened(text, kLongestText);
    if (text.empty() || std::find(texts.begin(), texts.end(), text) != texts.end()) continue;
    texts.push_back(std::move(text));
  }
  std::string list;
  for (std::size_t i = 0; i < texts.size() && i < kShown; ++i)
    list += (i > 0 ? ", " : "") + texts[i];
  if (texts.size() > kShown) list += " and " + std::to_string(texts.size() - kShown) + " more";
  return list.empty() ? "-" : list;
}

/// The function without its parameters, which of C++ are long.
std::string withoutParameters(const std::string& function) {
  if (function.empty() || function.back() != ')') return function;
  int depth = 0;
  for (auto at = function.size(); at-- > 0;) {
    if (function[at] == ')') ++depth;
    if (function[at] == '(' && --depth == 0) return function.substr(0, at);
  }
  return function;
}

Row rowOf(const UnleasedPort& finding) {
  return {std::to_string(finding.port),
          finding.protocol,
          listed(finding, [](const PortUse& use) { return use.address; }),
          finding.why,
          listed(finding,
                 [](const PortUse& use) {
                   return std::filesystem::path(use.program).filename().string();
                 }),
          listed(finding, [](const PortUse& use) { return use.test; }),
          listed(finding, [](const PortUse& use) { return withoutParameters(use.function); })};
}

void printRows(const std::vector<Row>& rows, std::ostream& out) {
  std::array<std::size_t, kColumns> widths{};
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < kColumns; ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < kColumns; ++i) {
      out << row[i];
      if (i + 1 < kColumns) out << std::string(widths[i] - row[i].size() + 2, ' ');
    }
    out << '\n';
  }
}

}  // namespace

void printTable(const AuditReport& report, const AuditLog& log, std::ostream& out) {
  if (report.findings.empty()) {
    out << "portpool audit: no port was used that portpool did not lease\n";
  } else {
    std::vector<Row> rows{{"PORT", "PROTOCOL", "ADDRESS", "WHY", "PROGRAM", "TEST", "FUNCTION"}};
    for (const auto& finding : report.findings) rows.push_back(rowOf(finding));
    out << "portpool audit: ports that portpool did not lease, worst first\n";
    printRows(rows, out);
  }
  if (report.leased > 0) {
    out << report.leased << (report.leased == 1 ? " leased port is" : " leased ports are")
        << " left out\n";
  }
  for (const auto& [program, why] : log.unseen)
    out << "unseen: " << program << " (" << why << ")\n";
  for (const auto& program : log.running)
    out << "still running, unseen from now on: " << program << '\n';
  if (log.unknown() > 0) {
    out << "incomplete: of " << counted(log.unknown(), "bind")
        << " nothing tells whether the port was leased, for lack of a descriptor\n";
  }
  if (log.lost > 0)
    out << "incomplete: the log had no room for " << counted(log.lost, "line") << '\n';
  if (log.isDeleted) {
    out << "incomplete: the log was deleted while the command ran; keep the command from deleting "
           "portpool-audit-* in the temporary folder\n";
  }
}

}  // namespace portpool::cli
