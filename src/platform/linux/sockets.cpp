// What Linux adds to POSIX sockets.

#include "../posix/sockets.hpp"

#include <cstddef>

namespace portpool::platform {

Socket newSocket(int domain, int type, Blocking blocking) noexcept {
  return aboveStandard(Socket(
      ::socket(domain, type | SOCK_CLOEXEC | (blocking == Blocking::Yes ? 0 : SOCK_NONBLOCK), 0)));
}

socklen_t nameUnixSocket(const std::string& text, sockaddr_un& name) noexcept {
  name = sockaddr_un{};
  name.sun_family = AF_UNIX;
  if (text.empty() || text.size() >= sizeof name.sun_path) return 0;
  const bool isAbstract = text.front() == '@';
  text.copy(name.sun_path, text.size());
  if (isAbstract) name.sun_path[0] = '\0';
  return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + text.size() +
                                (isAbstract ? 0 : 1));
}

const char* whyNoHolds() noexcept { return nullptr; }

}  // namespace portpool::platform
