#include <portpool/tcp_port_owner.hpp>

#include "port_pool_impl.hpp"

#include <portpool/errors.hpp>

#include <utility>

namespace portpool {

TCPPortOwner::TCPPortOwner() : TCPPortOwner(PortRequest{}) {}

TCPPortOwner::TCPPortOwner(std::vector<std::string> hosts, AddressFamily family)
    : TCPPortOwner(PortRequest{std::move(hosts), family}) {}

TCPPortOwner::TCPPortOwner(const PortRequest& request)
    : TCPPortOwner(PortPool::process().allocate(request)) {}

TCPPortOwner::TCPPortOwner(std::unique_ptr<detail::Allocation> allocation) noexcept
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
  if (allocation_->request().hold == Hold::Exclusive) allocation_->shareHold();
  return ListeningSocket(
      platform::listenOn(allocation_->port(), host, allocation_->request().family, backlog));
}

void TCPPortOwner::cleanup() noexcept { allocation_.reset(); }

}  // namespace portpool
