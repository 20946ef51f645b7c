#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "bind_log.hpp"

// NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): there they are reserved
extern "C" int bind(int socket, const sockaddr* address,
                    socklen_t size) noexcept(noexcept(::bind(0, nullptr, 0))) {
  if (const int error = portpool::test::BindLog::beforeBind(address, size); error != 0) {
    errno = error;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_bind, socket, address, size));
}
