#include <portpool/tcp_port_owner.hpp>

#include "descriptions.hpp"
#include "hosts.hpp"
#include "platform/system_error.hpp"
#include "port_pool_impl.hpp"
#include "probe.hpp"
#include "run_start.hpp"

#include <portpool/errors.hpp>

#include <utility>

namespace portpool {
namespace {

/// Binds the port on the host with SO_REUSEADDR, beside this process's own hold, which it shares,
/// and listens; returns the socket, or none if another program has the port. Throws as
/// TCPPortOwner::listen().
platform::Socket listenOn(std::uint16_t port, const std::string& host, AddressFamily family,
                          int backlog, const std::vector<platform::PrivateSocket>& hold) {
  auto address = addressesOf(host, family).front();
  auto socket = platform::openSocket(familyToServe(address, family), SocketType::Stream);
  if (!socket && family == AddressFamily::Any) {
    return listenOn(port, host, AddressFamily::IPv4, backlog, hold);
  }
  if (!socket) throwNotLocal(host, family);
  platform::setReuse(socket.get(), platform::Reuse::Address, true);
  address.port = port;

  shareHold(hold);
  int error = platform::bind(socket.get(), address);
  if (error == 0) error = platform::listen(socket.get(), backlog);
  if (error == 0) return socket;
  socket.close();
  if (platform::refusalOf(error) == platform::Refusal::Busy) return socket;
  if (platform::refusalOf(error) == platform::Refusal::NoSuchAddress) throwNotLocal(host, family);
  platform::throwSystemError("listen on port " + std::to_string(port) + " of host \"" + host + '"',
                             error);
}

}  // namespace

TCPPortOwner::TCPPortOwner() : TCPPortOwner(PortRequest{}) {}

TCPPortOwner::TCPPortOwner(std::vector<std::string> hosts, AddressFamily family)
    : TCPPortOwner(PortRequest{std::move(hosts), family}) {}

TCPPortOwner::TCPPortOwner(const PortRequest& request)
    : TCPPortOwner(takeOrFailRun([&] { return PortPool::process().allocate(request); },
                                 TCPPortOwner(detail::Pimpl<detail::Allocation>()))) {}

TCPPortOwner::TCPPortOwner(detail::Pimpl<detail::Allocation> allocation) noexcept
    : allocation_(std::move(allocation)) {}

TCPPortOwner::TCPPortOwner(TCPPortOwner&& other) noexcept = default;
TCPPortOwner& TCPPortOwner::operator=(TCPPortOwner&& other) noexcept = default;
TCPPortOwner::~TCPPortOwner() = default;

std::uint16_t TCPPortOwner::port() const noexcept { return allocation_ ? allocation_->port() : 0; }
const std::vector<std::string>& TCPPortOwner::hosts() const noexcept {
  return allocation_->request().hosts;
}
AddressFamily TCPPortOwner::family() const noexcept { return allocation_->request().family; }

ListeningSocket TCPPortOwner::listen(const std::string& host, int backlog) {
  if (!allocation_) {
    throw PortPoolError("listen: this owner owns no port; allocate one, and listen before cleanup");
  }
  const auto port = allocation_->port();
  auto socket = listenOn(port, host, allocation_->request().family, backlog, allocation_->hold());
  if (socket) return ListeningSocket(socket.release());
  using Use = PortUser::Use;
  const auto users = usersOfPorts({{port, port}}, UserSearch::Sockets);
  const auto takers = processesOn(port, users.value_or(std::vector<PortUser>()),
                                  {Use::Listens, Use::Binds, Use::HasConnection});
  throw PortPoolError("another program took port " + std::to_string(port) + " of host \"" + host +
                      "\" since it was handed out" + (takers.empty() ? "" : ": " + takers) +
                      "; stop it, or ask for Hold::Shared, which keeps the port bound");
}

void TCPPortOwner::cleanup() noexcept { allocation_.reset(); }

}  // namespace portpool
