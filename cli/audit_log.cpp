#include "audit_log.hpp"

#include "output.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace portpool::cli {
namespace {

/// The fields of a line, one after the other; empty ones after the last.
class Fields {
 public:
  explicit Fields(const std::string& line) : line_(line) {}

  std::string text() {
    std::string field;
    std::getline(line_, field, '\t');
    return printable(field);
  }
  template <class Number>
  Number number() {
    const auto field = text();
    Number number{};
    std::from_chars(field.data(), field.data() + field.size(), number);
    return number;
  }
  bool flag() { return text() == "1"; }

 private:
  std::istringstream line_;
};

/// The name alone of a test that portpool's adapters announce.
std::string testName(std::string test) {
  for (const std::string_view kind : {"test case ", "test "}) {
    if (test.rfind("test suite ", 0) != 0 && test.rfind(kind, 0) == 0) {
      return test.substr(kind.size());
    }
  }
  return test;
}

PortUse readUse(PortUse::Kind kind, Fields& fields) {
  PortUse use;
  use.kind = kind;
  use.protocol = fields.text();
  use.port = fields.number<std::uint16_t>();
  use.address = fields.text();
  use.isInUse = fields.number<int>() != 0;
  use.lease = static_cast<audit::Lease>(fields.number<std::uint8_t>());
  use.isEphemeral = fields.flag();
  use.network = fields.number<std::uint64_t>();
  use.process.first = fields.number<int>();
  use.process.second = fields.number<std::uint64_t>();
  use.program = fields.text();
  use.command = fields.text();
  use.test = testName(fields.text());
  use.module = fields.text();
  use.offset = fields.number<std::uint64_t>();
  return use;
}

/// A process that has bound a leased port and fails to do so again is in its own way alone.
void forgiveRepetitions(std::vector<PortUse>& uses) {
  std::set<std::tuple<std::uint64_t, std::string, std::uint16_t, PortUse::Process>> bound;
  for (auto& use : uses) {
    if (use.kind != PortUse::Kind::Bind || !use.isLeased()) continue;
    const auto key = std::make_tuple(use.network, use.protocol, use.port, use.process);
    if (!use.isInUse) bound.insert(key);
    if (use.isInUse && bound.count(key) > 0) use.lease = audit::Lease::Own;
  }
}

}  // namespace

std::size_t AuditLog::unknown() const {
  return static_cast<std::size_t>(std::count_if(uses.begin(), uses.end(), [](const PortUse& use) {
    return use.lease == audit::Lease::Unknown;
  }));
}

AuditLog readAuditLog(int descriptor) {
  const auto path = "/proc/self/fd/" + std::to_string(descriptor);
  std::ifstream file(path, std::ios::binary);
  std::array<char, sizeof(audit::SharedLog)> header{};
  if (!file.read(header.data(), header.size())) {
    throw std::runtime_error("the log of the audit cannot be read at " + path +
                             "; mount /proc, and check the disk of the temporary folder");
  }
  const auto numberAt = [&](std::size_t offset) {
    std::uint64_t number = 0;
    std::memcpy(&number, header.data() + offset, sizeof number);
    return number;
  };
  const auto size = numberAt(offsetof(audit::SharedLog, size));
  AuditLog log;
  log.lost = numberAt(offsetof(audit::SharedLog, lost));
  const std::string unmapped = header.data() + offsetof(audit::SharedLog, unmapped);
  if (!unmapped.empty())
    log.unseen.emplace(printable(unmapped), "has no memory for the audit's log");
  std::uint64_t at = 0;
  for (std::string line; at < size && std::getline(file, line);) {
    at += line.size() + 1;
    // Of a process that was killed as it wrote there are NULs.
    Fields fields(line.substr(line.rfind('\0') + 1));
    const auto kind = fields.text();
    if (kind == "unseen") {
      auto program = fields.text();
      log.unseen.emplace(std::move(program), fields.text());
    } else if (kind == "bind" || kind == "connect") {
      log.uses.push_back(
          readUse(kind == "bind" ? PortUse::Kind::Bind : PortUse::Kind::Connect, fields));
    }
  }
  forgiveRepetitions(log.uses);
  return log;
}

}  // namespace portpool::cli
