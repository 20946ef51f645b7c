#include <dlfcn.h>
#include <sys/socket.h>

#include <cerrno>

#include "bind_log.hpp"

extern "C" int bind(int socket, const sockaddr* address, socklen_t size) {
  if (const int error = portpool::test::BindLog::beforeBind(address, size); error != 0) {
    errno = error;
    return -1;
  }
  using Bind = int (*)(int, const sockaddr*, socklen_t);
  static const auto next = reinterpret_cast<Bind>(::dlsym(RTLD_NEXT, "bind"));
  return next(socket, address, size);
}
