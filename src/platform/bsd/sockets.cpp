// How sockets of the BSDs differ, macOS among them.

#include "../posix/sockets.hpp"

#include <cstddef>

namespace portpool::platform {

socklen_t nameUnixSocket(const std::string& text, sockaddr_un& name) noexcept {
  name = sockaddr_un{};
  name.sun_family = AF_UNIX;
  // There are no abstract names: "@name" is a path like any other.
  if (text.empty() || text.size() >= sizeof name.sun_path) return 0;
  text.copy(name.sun_path, text.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + text.size() + 1);
  name.sun_len = static_cast<unsigned char>(size);
  return size;
}

// A BSD's SO_REUSEADDR means something else than Linux's: two sockets that have it cannot be bound
// to one address, and a socket that has it can be bound to one address beside a socket of all.
const char* whyNoHolds() noexcept {
  return "this system cannot hold ports: on macOS and FreeBSD no server with SO_REUSEADDR can bind "
         "beside a hold, and one on a single address is not kept off; ask for Hold::None, and "
         "unset PORTPOOL_HOLD";
}

}  // namespace portpool::platform
