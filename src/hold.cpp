#include "hold.hpp"

#include "hosts.hpp"
#include "platform/system_error.hpp"

#include <algorithm>

namespace portpool {
namespace {

using platform::PrivateSocket;
using platform::Refusal;
using platform::Reuse;
using platform::SocketAddress;

/// Whether the hold, which has the port, keeps a socket off this address.
bool isHeldAt(const std::vector<PrivateSocket>& hold, const SocketAddress& address) {
  return std::any_of(hold.begin(), hold.end(), [&](const PrivateSocket& held) {
    const auto own = platform::boundAddress(held.get());
    const bool isDualStack = own.family == AddressFamily::IPv6 && platform::isDualStack(held.get());
    return meets(own, isDualStack, address);
  });
}

}  // namespace

void shareHold(const std::vector<PrivateSocket>& hold) {
  for (const auto& socket : hold) {
    for (const auto reuse : {Reuse::Address, Reuse::Port}) {
      platform::setReuse(socket.get(), reuse, true);
    }
  }
}

platform::Socket listenOn(std::uint16_t port, const std::string& host, AddressFamily family,
                          int backlog, const std::vector<PrivateSocket>& hold) {
  auto address = addressesOf(host, family).front();
  auto socket = platform::openSocket(familyToServe(address, family), SocketType::Stream);
  if (!socket && family == AddressFamily::Any) {
    return listenOn(port, host, AddressFamily::IPv4, backlog, hold);
  }
  if (!socket) throwNotLocal(host, family);
  platform::setReuse(socket.get(), Reuse::Address, true);
  address.port = port;

  const auto openHold = [&](bool isOpen) {
    for (const auto& held : hold) platform::setReuse(held.get(), Reuse::Address, isOpen);
  };
  // An exclusive hold is opened for the moment that it takes, and only where it is all that is in
  // the way: the system has found nothing wrong with the address then.
  int error = platform::bind(socket.get(), address);
  const bool isOpened = platform::refusalOf(error) == Refusal::Busy && !hold.empty() &&
                        !platform::hasReuse(hold.front().get(), Reuse::Address) &&
                        isHeldAt(hold, address);
  if (isOpened) {
    openHold(true);
    error = platform::bind(socket.get(), address);
  }
  if (error == 0) error = platform::listen(socket.get(), backlog);
  if (error == 0) {
    if (isOpened) shareHold(hold);
    return socket;
  }
  socket.close();
  if (isOpened) openHold(false);
  if (platform::refusalOf(error) == Refusal::Busy) return socket;
  if (platform::refusalOf(error) == Refusal::NoSuchAddress) throwNotLocal(host, family);
  platform::throwSystemError("listen on port " + std::to_string(port) + " of host \"" + host + '"',
                             error);
}

}  // namespace portpool
