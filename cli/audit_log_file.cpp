#include "audit_log_file.hpp"

#include "audit_preload/log.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace portpool::cli {
namespace {

namespace fs = std::filesystem;

}  // namespace

AuditLogFile::AuditLogFile()
    : folder_(fs::absolute(fs::temp_directory_path() / "portpool-audit-XXXXXX").string()) {
  if (::mkdtemp(folder_.data()) == nullptr) {
    throw std::system_error(errno, std::generic_category(), folder_);
  }
  path_ = folder_ + "/log-XXXXXX";
  const int file = ::mkstemp(path_.data());
  int error = file < 0 ? errno : 0;
  if (file >= 0) {
    constexpr mode_t kEntered = S_IRWXU | S_IXGRP | S_IXOTH;
    constexpr mode_t kShared = S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH;
    ::chmod(folder_.c_str(), kEntered);
    ::fchmod(file, kShared);
    // All of its room now: a program would die of a write to memory for which there is no block.
    error = ::posix_fallocate(file, 0, audit::SharedLog::kSize);
    ::close(file);
  }
  if (error != 0) {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
    throw std::system_error(error, std::generic_category(), path_);
  }
}

AuditLogFile::~AuditLogFile() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

}  // namespace portpool::cli
