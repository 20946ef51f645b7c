#pragma once

// The records of the preloaded library.

#include "audit_preload/log.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace portpool::cli {

/// A call of bind() or connect(). Identical calls of one program are recorded once.
struct PortUse {
  enum class Kind { Bind, Connect };

  Kind kind = Kind::Bind;
  std::string protocol;  // "tcp" or "udp"
  std::uint16_t port = 0;
  std::string address;
  bool isInUse = false;                     // the bind failed: EADDRINUSE
  audit::Lease lease = audit::Lease::None;  // at that moment
  bool isEphemeral = false;                 // a bind to port 0
  std::uint64_t network = 0;
  using Process = std::pair<int, std::uint64_t>;
  Process process;  // its pid, and what tells it from others of that
  std::string program;
  std::string command;
  std::string test;  // "" if it is not known
  std::string module;
  std::uint64_t offset = 0;  // in the file
  std::string function;      // that calls, or where it is in the module; nameFunctions() sets it

  bool isLeased() const { return lease == audit::Lease::Own || lease == audit::Lease::Others; }

  /// Whether portpool would have kept it from failing. A bind of the process that has the lease
  /// fails when portpool itself tries whether the port is free.
  bool isAtFault() const {
    if (isEphemeral) return false;
    return lease == audit::Lease::None || (isInUse && lease == audit::Lease::Others);
  }
};

struct AuditLog {
  std::vector<PortUse> uses;
  std::map<std::string, std::string> unseen;  // programs, and why
  std::size_t lost = 0;                       // lines for which there was no room
  bool isDeleted = false;                     // before the command's end
  std::vector<std::string> running;           // programs that go on after the command's end

  /// Whether all that there was to record is here.
  bool isComplete() const { return lost == 0 && unknown() == 0 && !isDeleted; }

  /// The uses of which nobody could say whether the port was leased.
  std::size_t unknown() const;
};

/// Reads the file with that descriptor. Its texts are printable then, whoever wrote them.
AuditLog readAuditLog(int descriptor);

}  // namespace portpool::cli
