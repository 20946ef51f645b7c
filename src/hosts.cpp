#include "hosts.hpp"

#include <portpool/errors.hpp>

namespace portpool {
namespace {

using platform::SocketAddress;

SocketAddress loopbackAddress(AddressFamily family) {
  auto address = everyAddress(family);
  if (family == AddressFamily::IPv4) {
    address.host = {127, 0, 0, 1};
  } else {
    address.host.back() = 1;
  }
  return address;
}

const char* nameOf(AddressFamily family) {
  if (family == AddressFamily::Any) return "IPv4 or IPv6";
  return family == AddressFamily::IPv4 ? "IPv4" : "IPv6";
}

}  // namespace

SocketAddress everyAddress(AddressFamily family) {
  SocketAddress address;
  address.family = family == AddressFamily::Any ? AddressFamily::IPv6 : family;
  return address;
}

std::vector<SocketAddress> addressesOf(const std::string& host, AddressFamily family) {
  std::vector<SocketAddress> addresses;
  if (host.empty()) {
    addresses.push_back(everyAddress(family));
  } else if (host == "localhost") {
    for (const auto each : {AddressFamily::IPv4, AddressFamily::IPv6}) {
      if (family == AddressFamily::Any || family == each)
        addresses.push_back(loopbackAddress(each));
    }
  } else if (const auto reason = platform::resolve(host, family, addresses); !reason.empty()) {
    throw HostError("host \"" + host + "\" has no " + nameOf(family) + " address (" + reason +
                    "); name an address of this machine, \"localhost\", or \"\" for all of its "
                    "addresses");
  }
  return addresses;
}

void throwNotLocal(const std::string& host, AddressFamily family) {
  const bool isAnyAddress = host.empty() || host == "localhost";
  throw HostError(
      isAnyAddress
          ? std::string("this machine has no ") + nameOf(family) +
                "; ask for the other AddressFamily, or enable it"
          : "host \"" + host + "\" is not an " + nameOf(family) +
                " address of this machine; name one that is (ip address, or ipconfig on Windows), "
                "\"localhost\", or \"\" for all of its addresses");
}

AddressFamily familyToServe(const SocketAddress& address, AddressFamily requested) {
  return address.family == AddressFamily::IPv4 ? AddressFamily::IPv4 : requested;
}

bool covers(const SocketAddress& wide, bool isDualStack, const SocketAddress& address) {
  if (wide.family == address.family && wide.host == address.host && wide.port == address.port &&
      wide.scope == address.scope) {
    return true;
  }
  return wide.host == everyAddress(wide.family).host &&
         (wide.family == address.family || (wide.family == AddressFamily::IPv6 && isDualStack));
}

bool meets(const SocketAddress& one, bool isDualStack, const SocketAddress& other) {
  return covers(one, isDualStack, other) || covers(other, true, one);
}

}  // namespace portpool
