#include "audit_log_file.hpp"

#include "audit_preload/log.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>

namespace portpool::cli {
namespace {

namespace fs = std::filesystem;
using audit::SharedLog;

/// How large the file may be: a process that writes beyond its limit is killed.
std::size_t largestSize() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur >= SharedLog::kMost) {
    return SharedLog::kMost;
  }
  if (limit.rlim_cur < SharedLog::kMapped) {
    throw std::runtime_error("the log of an audit takes a file of 64 KiB, more than the limit of " +
                             std::to_string(limit.rlim_cur) + " bytes; raise it with ulimit -f");
  }
  return limit.rlim_cur;
}

constexpr const char* kAdvice = "; set TMPDIR to a folder in which this user may write";

/// The folder for temporary files.
fs::path temporaryFolder() {
  std::error_code error;
  const auto folder = fs::temp_directory_path(error);
  if (!error) return fs::absolute(folder);
  // The variables that temp_directory_path() reads, in its order.
  for (const auto* variable : {"TMPDIR", "TMP", "TEMP", "TEMPDIR"}) {
    if (const auto* path = std::getenv(variable)) {
      throw std::runtime_error(std::string(variable) + "=\"" + path + "\" names no folder" +
                               kAdvice);
    }
  }
  throw std::runtime_error("there is no folder /tmp" + std::string(kAdvice));
}

/// Makes the empty file a log; returns errno, or 0. Its beginning has its blocks at once, since
/// programs would die of a write to memory without; they find out themselves about the rest.
int initialize(int file, std::size_t size) {
  if (::ftruncate(file, static_cast<off_t>(size)) != 0) return errno;
  const int error = ::posix_fallocate(file, 0, sizeof(SharedLog));
  if (error != 0) return error;
  const std::uint64_t fileSize = size;
  const auto written = ::pwrite(file, &fileSize, sizeof fileSize, offsetof(SharedLog, fileSize));
  return written < 0 ? errno : 0;
}

}  // namespace

AuditLogFile::AuditLogFile() : folder_((temporaryFolder() / "portpool-audit-XXXXXX").string()) {
  const auto size = largestSize();
  if (::mkdtemp(folder_.data()) == nullptr) {
    const auto reason = std::generic_category().message(errno);
    throw std::runtime_error("cannot make a folder in " + fs::path(folder_).parent_path().string() +
                             " (" + reason + ')' + kAdvice);
  }
  path_ = folder_ + "/log-XXXXXX";
  file_ = Descriptor(::mkostemp(path_.data(), O_CLOEXEC));
  int error = file_ ? 0 : errno;
  if (file_) {
    constexpr mode_t kEntered = S_IRWXU | S_IXGRP | S_IXOTH;
    constexpr mode_t kShared = S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH;
    ::chmod(folder_.c_str(), kEntered);
    ::fchmod(file_.get(), kShared);
    error = initialize(file_.get(), size);
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

bool AuditLogFile::isThere() const {
  struct stat file {
  }, there{};
  return ::fstat(file_.get(), &file) == 0 && ::stat(path_.c_str(), &there) == 0 &&
         file.st_dev == there.st_dev && file.st_ino == there.st_ino;
}

}  // namespace portpool::cli
