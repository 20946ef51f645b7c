#include "platform/unix_server.hpp"

#include <portpool/errors.hpp>

namespace portpool::platform {

int askUnixServer(const std::string& /*address*/, const std::string& /*request*/,
                  std::chrono::seconds /*timeout*/, std::size_t /*longest*/,
                  std::string& /*answer*/) {
  throw PortServerError(
      "portpool asks no port server on Windows, as port servers have Unix sockets; unset "
      "PORTSERVER_ADDRESS");
}

}  // namespace portpool::platform
