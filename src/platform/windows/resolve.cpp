// The resolver.

#include "platform/system_address.hpp"
#include "platform/system_error.hpp"
#include "text.hpp"
#include "winsock.hpp"

#include <memory>

namespace portpool::platform {

std::string resolve(const std::string& host, AddressFamily family,
                    std::vector<SocketAddress>& addresses) {
  startWinsock();
  ADDRINFOW hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_family = family == AddressFamily::Any ? AF_UNSPEC : domainOf(family);
  ADDRINFOW* found = nullptr;
  const int error = ::GetAddrInfoW(utf16(host).c_str(), nullptr, &hints, &found);
  if (error != 0) return errorText(static_cast<std::uint32_t>(error));
  const std::unique_ptr<ADDRINFOW, decltype(&::FreeAddrInfoW)> owned(found, ::FreeAddrInfoW);
  for (const auto* each = found; each != nullptr; each = each->ai_next) {
    addresses.push_back(addressFrom(each->ai_addr));
  }
  return {};
}

}  // namespace portpool::platform
