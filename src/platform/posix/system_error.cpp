#include "platform/system_error.hpp"

#include <portpool/errors.hpp>

#include <sys/resource.h>

#include <cerrno>
#include <system_error>

namespace portpool::platform {

void throwSystemError(const std::string& call, int error) {
  const auto reason = call + ": " + std::generic_category().message(error);
  if (error == EMFILE) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    throw DescriptorLimitError(
        reason + ": all " + std::to_string(limit.rlim_cur) +
        " file descriptors of this process are in use, and each port that is handed out takes one; "
        "raise the limit (ulimit -n) or return ports earlier");
  }
  if (error == ENFILE) {
    throw DescriptorLimitError(reason +
                               ": the system has no file descriptor left; raise fs.file-max or end "
                               "programs that hold many files");
  }
  if (error == EBADF || error == ENOTSOCK) {
    throw PortPoolError(reason + "; give the call a socket that is open");
  }
  throw PortPoolError(reason + "; this is unexpected: look for a sandbox or a limit on sockets");
}

}  // namespace portpool::platform
