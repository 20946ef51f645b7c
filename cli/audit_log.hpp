#pragma once

// What the preloaded library has recorded.

#include <cstdint>
#include <istream>
#include <map>
#include <string>
#include <vector>

namespace portpool::cli {

/// A bind() or connect(), of which a program does not repeat the same.
struct PortUse {
  enum class Kind { Bind, Connect };

  Kind kind = Kind::Bind;
  std::string protocol;  // "tcp" or "udp"
  std::uint16_t port = 0;
  std::string address;
  bool isInUse = false;      // the bind failed: EADDRINUSE
  bool isLeased = false;     // by portpool, at that moment
  bool isEphemeral = false;  // a bind to port 0
  std::uint64_t network = 0;
  int pid = 0;
  std::string program;
  std::string command;
  std::string test;  // "" if nothing tells it
  std::string module;
  std::uint64_t offset = 0;
  std::string function;  // that calls, or where it is in the module
};

struct AuditLog {
  std::vector<PortUse> uses;
  std::map<std::string, std::string> unseen;  // programs, and why
};

AuditLog readAuditLog(std::istream& text);

}  // namespace portpool::cli
