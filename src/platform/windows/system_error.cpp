#include "platform/system_error.hpp"

#include "text.hpp"
#include "windows.hpp"

#include <portpool/errors.hpp>

namespace portpool::platform {

void throwSystemError(const std::string& call, int error) {
  const auto reason = call + ": " + errorText(static_cast<std::uint32_t>(error));
  if (error == WSAEMFILE || error == WSAENOBUFS || error == ERROR_TOO_MANY_OPEN_FILES ||
      error == ERROR_NO_SYSTEM_RESOURCES) {
    throw DescriptorLimitError(reason +
                               ": the system has no socket or handle left, and each port that is "
                               "handed out takes one; return ports earlier, or end programs that "
                               "hold many");
  }
  if (error == WSAENOTSOCK) {
    throw PortPoolError(reason + "; give the call a socket that is open");
  }
  throw PortPoolError(reason + "; this is unexpected: look for a sandbox or a limit on sockets");
}

}  // namespace portpool::platform
