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

}  // namespace portpool::test
