#pragma once

#include "command.hpp"

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

namespace portpool::test {

using JSON = nlohmann::json;

/// What `portpool audit --json` says.
struct Audit {
  int status = 0;
  JSON report;
  std::string messages;

  /// What it says of the port, or null.
  JSON port(const std::string& number, const std::string& protocol = "tcp") const {
    for (const auto& each : report.at("ports")) {
      if (each.at("port") == std::stoi(number) && each.at("protocol") == protocol) return each;
    }
    return {};
  }

  /// The faults and ports that it finds, in order.
  std::vector<std::string> findings() const {
    std::vector<std::string> findings;
    for (const auto& each : report.at("ports")) {
      if (each.at("leased") == true) continue;
      findings.push_back(each.at("fault").get<std::string>() + ' ' +
                         std::to_string(each.at("port").get<int>()));
    }
    return findings;
  }
};

/// Audits a command.
Audit audit(const Arguments& command, const Variables& variables = {});

/// The values of `key` in the uses of a port.
std::set<JSON> valuesOf(const std::string& key, const JSON& port);

}  // namespace portpool::test
