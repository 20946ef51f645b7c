#include <portpool/tcp_port_owner.hpp>

#include "descriptions.hpp"
#include "hold.hpp"
#include "port_pool_impl.hpp"
#include "run_start.hpp"

#include <portpool/errors.hpp>

#include <utility>

namespace portpool {

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
