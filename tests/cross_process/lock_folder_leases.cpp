// In place of the leases of Linux, those of FreeBSD, in a folder for each network.

#include <unistd.h>

#include <filesystem>
#include <string>

#include "platform/freebsd/lock_folder.hpp"
#include "platform/lock_file/lock_file.hpp"

namespace portpool::platform {
namespace {

/// Removed by the process that the test begins with, as killed ones leave files there.
class Folder {
 public:
  explicit Folder(std::string path) : path_(std::move(path)) {}
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    if (::getpid() == process_) std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  pid_t process_ = ::getpid();
};

}  // namespace

std::unique_ptr<LeaseRegistry> makeLeaseRegistry() {
  static const Folder folder(kLockFolder + ("-" + std::to_string(networkId())));
  return makeLockFolderRegistry(folder.path());
}

}  // namespace portpool::platform
