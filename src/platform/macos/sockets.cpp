// What macOS adds to POSIX sockets.

#include "../posix/sockets.hpp"

#include "platform/fork.hpp"

#include <fcntl.h>

#include <cerrno>

namespace portpool::platform {
namespace {

/// Close-on-exec, no SIGPIPE where a caller leaves MSG_NOSIGNAL out, and non-blocking if asked for.
bool configure(int socket, Blocking blocking) noexcept {
  constexpr int kOn = 1;
  if (::fcntl(socket, F_SETFD, FD_CLOEXEC) != 0) return false;
  if (::setsockopt(socket, SOL_SOCKET, SO_NOSIGPIPE, &kOn, sizeof kOn) != 0) return false;
  if (blocking == Blocking::Yes) return true;
  const int flags = ::fcntl(socket, F_GETFL);
  return flags >= 0 && ::fcntl(socket, F_SETFL, flags | O_NONBLOCK) == 0;
}

}  // namespace

// There is no SOCK_CLOEXEC. No fork() comes between the calls; vfork() and posix_spawn() may, which
// the descriptor then outlives in the new program.
Socket newSocket(int domain, int type, Blocking blocking) noexcept {
  Socket socket;
  int error = 0;
  {
    const NoFork noFork;
    socket = aboveStandard(Socket(::socket(domain, type, 0)));
    const bool isWhole = socket && configure(socket.get(), blocking);
    error = errno;
    if (!isWhole) socket.close();
  }
  errno = error;
  return socket;
}

// SO_REUSEADDR means something else there than on Linux: two sockets that have it cannot be bound
// to one address, and a socket that has it can be bound to one address beside a socket of all.
const char* whyNoHolds() noexcept {
  return "this system cannot hold ports: on macOS no server with SO_REUSEADDR can bind beside a "
         "hold, and one on a single address is not kept off; ask for Hold::None, and unset "
         "PORTPOOL_HOLD";
}

}  // namespace portpool::platform
