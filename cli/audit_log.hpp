#pragma once

// What the preloaded library has recorded.

#include <cstdint>
#include <istream>
#include <map>
#include <string>
#include <vector>

namespace portpool::cli {

/// A call of bind() or connect(). Identical calls of one program are recorded once.
struct PortUse {
  enum class Kind { Bind, Connect };

  Kind kind = Kind::Bind;
  std::string protocol;  // "tcp" or "udp"
  std::uint16_t port = 0;
  std::string address;
  bool isInUse = false;      // the bind failed: EADDRINUSE
  bool isLeased = false;     // by portpool, at the time of the call
  bool isEphemeral = false;  // a bind to port 0
  std::uint64_t network = 0;
  int pid = 0;
  std::string program;
  std::string command;
  std::string test;  // "" if it is not known
  std::string module;
  std::uint64_t offset = 0;
  std::string function;  // the calling function, or its place in the module
};

struct AuditLog {
  std::vector<PortUse> uses;
  std::map<std::string, std::string> unseen;  // programs, and the reasons
};

AuditLog readAuditLog(std::istream& text);

}  // namespace portpool::cli
