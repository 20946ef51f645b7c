#include "hold.hpp"

#include "hosts.hpp"
#include "platform/system_error.hpp"

namespace portpool {

using platform::PrivateSocket;
using platform::Refusal;
using platform::Reuse;

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

  shareHold(hold);
  int error = platform::bind(socket.get(), address);
  if (error == 0) error = platform::listen(socket.get(), backlog);
  if (error == 0) return socket;
  socket.close();
  if (platform::refusalOf(error) == Refusal::Busy) return socket;
  if (platform::refusalOf(error) == Refusal::NoSuchAddress) throwNotLocal(host, family);
  platform::throwSystemError("listen on port " + std::to_string(port) + " of host \"" + host + '"',
                             error);
}

}  // namespace portpool
