// The range of ports that the kernel gives away by itself.

#include "platform/ephemeral_range.hpp"

#include <portpool/errors.hpp>

#include <sys/sysctl.h>
#include <sys/types.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>

namespace portpool::platform {
namespace {

constexpr const char* kFolder = "net.inet.ip.portrange.";

int portOf(const std::string& name) {
  constexpr const char* kRemedy =
      "; set PORTPOOL_PORTS to the ports that tests may use, like 20000-29999";
  const auto path = std::string("sysctl ") + kFolder + name;
  int port = 0;
  std::size_t size = sizeof port;
  if (::sysctlbyname((kFolder + name).c_str(), &port, &size, nullptr, 0) != 0) {
    throw PortRangeUnknownError("cannot read the range of ephemeral ports from " + path + " (" +
                                std::generic_category().message(errno) + ")" + kRemedy);
  }
  if (size != sizeof port || port < 1 || port > 65535) {
    throw PortRangeUnknownError(path + " is " + std::to_string(port) + ", not an ephemeral port" +
                                kRemedy);
  }
  return port;
}

}  // namespace

std::string ephemeralRangeSource() { return std::string("sysctl ") + kFolder + "first"; }

// `first` to `last` is for connections and for port 0; `hifirst` to `hilast` for sockets that ask
// for it by IP_PORTRANGE. Both are the same range unless somebody has changed one. Here they are
// one range, with the ports between them. Each may be given downwards.
std::optional<PortRange> ephemeralRange() {
  const auto [lowest, highest] =
      std::minmax({portOf("first"), portOf("last"), portOf("hifirst"), portOf("hilast")});
  return PortRange{static_cast<std::uint16_t>(lowest), static_cast<std::uint16_t>(highest)};
}

}  // namespace portpool::platform
