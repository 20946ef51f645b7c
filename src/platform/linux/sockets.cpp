// What Linux adds to POSIX sockets.

#include "../posix/sockets.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstddef>

namespace portpool::platform {

Socket newSocket(int domain, int type, Blocking blocking) noexcept {
  Socket socket(
      ::socket(domain, type | SOCK_CLOEXEC | (blocking == Blocking::Yes ? 0 : SOCK_NONBLOCK), 0));
  // A program that starts without a standard descriptor may open it later, over whatever is there.
  constexpr int kFirst = STDERR_FILENO + 1;
  if (!socket || socket.get() >= kFirst) return socket;
  return Socket(::fcntl(socket.get(), F_DUPFD_CLOEXEC, kFirst));
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

void requireHolds() {}

}  // namespace portpool::platform
