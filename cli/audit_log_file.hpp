#pragma once

#include "descriptor.hpp"

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

  /// With which it can be read even if somebody has deleted it.
  int descriptor() const { return file_.get(); }

  /// Whether it still has its path.
  bool isThere() const;

 private:
  std::string folder_;
  std::string path_;
  Descriptor file_{-1};
};

}  // namespace portpool::cli
