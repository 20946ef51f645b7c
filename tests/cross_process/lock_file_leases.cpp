// In place of the leases of Linux, those of macOS, in a file of each test program.

#include "platform/lock_file/lock_file.hpp"

#include <unistd.h>

#include <string>

namespace portpool::platform {
namespace {

/// In a folder for every user, like the file of macOS. The children have it of the process that the
/// test begins with, which removes it.
class Path {
 public:
  Path() = default;
  Path(const Path&) = delete;
  Path& operator=(const Path&) = delete;
  ~Path() {
    if (::getpid() == process_) ::unlink(path_.c_str());
  }
  const std::string& get() const { return path_; }

 private:
  const pid_t process_ = ::getpid();
  const std::string path_ = "/tmp/portpool-" + std::to_string(process_) + ".lock";
};

const Path kPath;

}  // namespace

std::unique_ptr<LeaseRegistry> makeLeaseRegistry() { return makeLockFileRegistry(kPath.get()); }

}  // namespace portpool::platform
