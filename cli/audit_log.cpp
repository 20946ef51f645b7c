#include "audit_log.hpp"

#include <charconv>
#include <filesystem>
#include <sstream>
#include <string_view>
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
    return field;
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
  use.isLeased = fields.flag();
  use.isEphemeral = fields.flag();
  use.network = fields.number<std::uint64_t>();
  use.pid = fields.number<int>();
  use.program = fields.text();
  use.command = fields.text();
  use.test = testName(fields.text());
  use.module = fields.text();
  use.offset = fields.number<std::uint64_t>();
  use.function = fields.text();
  if (use.function.empty() && !use.module.empty()) {
    std::ostringstream place;
    place << std::filesystem::path(use.module).filename().string() << "+0x" << std::hex
          << use.offset;
    use.function = place.str();
  }
  return use;
}

}  // namespace

AuditLog readAuditLog(std::istream& text) {
  AuditLog log;
  for (std::string line; std::getline(text, line);) {
    Fields fields(line);
    const auto kind = fields.text();
    if (kind == "unseen") {
      auto program = fields.text();
      log.unseen.emplace(std::move(program), fields.text());
    } else if (kind == "bind" || kind == "connect") {
      log.uses.push_back(
          readUse(kind == "bind" ? PortUse::Kind::Bind : PortUse::Kind::Connect, fields));
    }
  }
  return log;
}

}  // namespace portpool::cli
