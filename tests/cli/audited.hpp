#pragma once

#include "command.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <portpool/portpool.hpp>
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

/// Ports of this machine for the tests to use without a lease: in a network of their own, where
/// nobody has leased them.
class IsolatedAudit : public ::testing::Test {
 protected:
  void SetUp() override;

  /// Audits a script that has a network of its own: $U is the user of ports, $ODD one that uses
  /// them in other ways, $P and $Q are free.
  Audit auditScript(const std::string& script, Variables variables = {}) const;

  const std::vector<TCPPortOwner> owners = PortPool::process().allocateSeveral(2);
  const std::string p = std::to_string(owners[0].port()), q = std::to_string(owners[1].port());
};

/// The values of `key` in the uses of a port.
std::set<JSON> valuesOf(const std::string& key, const JSON& port);

}  // namespace portpool::test
