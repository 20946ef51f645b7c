// What Linux adds to POSIX sockets.

#include "../posix/sockets.hpp"

namespace portpool::platform {

Socket newSocket(int domain, int type, Blocking blocking) noexcept {
  return aboveStandard(Socket(
      ::socket(domain, type | SOCK_CLOEXEC | (blocking == Blocking::Yes ? 0 : SOCK_NONBLOCK), 0)));
}

const char* whyNoHolds() noexcept { return nullptr; }

}  // namespace portpool::platform
