#include "audited.hpp"

#include "support/temporary_file.hpp"

namespace portpool::test {

std::set<JSON> valuesOf(const std::string& key, const JSON& port) {
  std::set<JSON> values;
  for (const auto& use : port.at("uses")) values.insert(use.at(key));
  return values;
}

Audit audit(const Arguments& command, const Variables& variables) {
  const TemporaryFile report;
  Arguments arguments{"audit", "--json", "--output", report.path(), "--"};
  arguments.insert(arguments.end(), command.begin(), command.end());
  const auto result = runPortpool(arguments, variables);
  return {result.exitCode, JSON::parse(report.text()), result.output + result.errors};
}

void IsolatedAudit::SetUp() {
  const auto result = runPortpool({"isolate", "--", "true"});
  if (result.exitCode != 0) GTEST_SKIP() << result.errors;
}

Audit IsolatedAudit::auditScript(const std::string& script, Variables variables) const {
  variables.merge(Variables{{"U", PORT_USER},
                            {"ODD", ODD_PORT_USER},
                            {"P", p},
                            {"Q", q},
                            {"PORTPOOL", PORTPOOL_COMMAND}});
  return audit({PORTPOOL_COMMAND, "isolate", "--", "sh", "-c", script}, variables);
}

}  // namespace portpool::test
