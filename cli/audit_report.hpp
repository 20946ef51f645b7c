#pragma once

// The findings of a log.

#include "audit_log.hpp"

#include <portpool/port_set.hpp>

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

namespace portpool::cli {

/// The kinds of faults of a port that was used without a lease, the worst first.
enum class Fault { InUse, Collides, Ephemeral, Fixed, ConnectedOnly };

/// A port that the command used and portpool did not lease.
struct UnleasedPort {
  std::string protocol;
  std::uint16_t port = 0;
  Fault fault = Fault::ConnectedOnly;  // the worst
  std::string why;
  std::size_t processes = 0;
  std::vector<const PortUse*> uses;  // without a lease, and those that they met
};

struct AuditReport {
  std::vector<UnleasedPort> findings;  // worst first
  std::size_t leased = 0;              // the number of other ports that were bound, all with leases
};

/// `ephemeral` is the range of ports that the system gives to outgoing connections.
AuditReport makeReport(const AuditLog& log, PortRange ephemeral);

/// Prints the findings as a table, with the remarks below it.
void printTable(const AuditReport& report, const AuditLog& log, std::ostream& out);

struct AuditedCommand {
  std::vector<std::string> words;
  int status = 0;
};

/// All ports, leased or not, with all of their uses.
void printJSON(const AuditReport& report, const AuditLog& log, const AuditedCommand& command,
               std::ostream& out);

}  // namespace portpool::cli
