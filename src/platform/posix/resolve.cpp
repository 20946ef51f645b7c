// The resolver.

#include "platform/socket_address.hpp"

#include "platform/system_address.hpp"
#include "platform/system_error.hpp"

#include <netdb.h>

#include <cerrno>
#include <memory>

namespace portpool::platform {

std::string resolve(const std::string& host, AddressFamily family,
                    std::vector<SocketAddress>& addresses) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_family = family == AddressFamily::Any ? AF_UNSPEC : domainOf(family);
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (error == EAI_SYSTEM) throwSystemError("getaddrinfo for \"" + host + '"', errno);
  if (error != 0) return ::gai_strerror(error);
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, ::freeaddrinfo);
  for (const auto* each = found; each != nullptr; each = each->ai_next) {
    addresses.push_back(addressFrom(each->ai_addr));
  }
  return {};
}

}  // namespace portpool::platform
