#include "../posix/sockets.hpp"

namespace portpool::platform {

Socket newSocket(int domain, int type, Blocking blocking) noexcept {
  return aboveStandard(Socket(
      ::socket(domain, type | SOCK_CLOEXEC | (blocking == Blocking::Yes ? 0 : SOCK_NONBLOCK), 0)));
}

}  // namespace portpool::platform
