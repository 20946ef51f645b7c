#pragma once

#include <string>

namespace portpool::cli {

/// The file of an audit's log, while this lives. Every process of the command can write to it,
/// whatever user it becomes, and nobody else, whom no folder tells its name.
class AuditLogFile {
 public:
  AuditLogFile();
  AuditLogFile(const AuditLogFile&) = delete;
  AuditLogFile& operator=(const AuditLogFile&) = delete;
  ~AuditLogFile();

  const std::string& path() const { return path_; }

 private:
  std::string folder_;
  std::string path_;
};

}  // namespace portpool::cli
