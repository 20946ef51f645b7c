#include "audit_report.hpp"

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

namespace portpool::cli {
namespace {

using JSON = nlohmann::ordered_json;

const char* nameOf(Fault fault) {
  switch (fault) {
    case Fault::InUse:
      return "in use";
    case Fault::Collides:
      return "collides";
    case Fault::Ephemeral:
      return "ephemeral";
    case Fault::Fixed:
      return "fixed";
    case Fault::ConnectedOnly:
      return "connected to only";
  }
  return "";
}

JSON orNull(const std::string& text) { return text.empty() ? JSON() : JSON(text); }

JSON describe(const PortUse& use) {
  return {{"call", use.kind == PortUse::Kind::Bind ? "bind" : "connect"},
          {"address", use.address},
          {"leased", use.isLeased()},
          {"error", use.isInUse ? JSON("EADDRINUSE") : JSON()},
          {"network", use.network},
          {"pid", use.process.first},
          {"program", use.program},
          {"command", use.command},
          {"test", orNull(use.test)},
          {"function", orNull(use.function)}};
}

}  // namespace

void printJSON(const AuditReport& report, const AuditLog& log, const AuditedCommand& command,
               std::ostream& out) {
  std::map<std::pair<std::string, std::uint16_t>, JSON> uses;
  std::set<std::pair<std::string, std::uint16_t>> leased;
  for (const auto& use : log.uses) {
    if (use.isEphemeral) continue;
    uses[{use.protocol, use.port}].push_back(describe(use));
    if (use.isLeased()) leased.insert({use.protocol, use.port});
  }
  auto ports = JSON::array();
  for (const auto& finding : report.findings) {
    const auto of = uses.extract({finding.protocol, finding.port});
    ports.push_back({{"port", finding.port},
                     {"protocol", finding.protocol},
                     {"leased", false},
                     {"fault", nameOf(finding.fault)},
                     {"why", finding.why},
                     {"uses", of.mapped()}});
  }
  for (const auto& [port, of] : uses) {
    if (leased.count(port) == 0) continue;  // a connection to a server on an ephemeral port
    ports.push_back({{"port", port.second},
                     {"protocol", port.first},
                     {"leased", true},
                     {"fault", nullptr},
                     {"why", nullptr},
                     {"uses", of}});
  }
  auto unseen = JSON::array();
  for (const auto& [program, why] : log.unseen)
    unseen.push_back({{"program", program}, {"why", why}});
  const JSON all{{"command", command.words}, {"status", command.status}, {"ports", ports},
                 {"unseen", unseen},         {"running", log.running},   {"unknown", log.unknown()},
                 {"lost", log.lost},         {"deleted", log.isDeleted}};
  out << all.dump(2, ' ', false, JSON::error_handler_t::replace) << '\n';
}

}  // namespace portpool::cli
