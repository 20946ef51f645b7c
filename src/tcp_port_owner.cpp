#include <portpool/tcp_port_owner.hpp>

#include "port_pool_impl.hpp"

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

void TCPPortOwner::cleanup() noexcept { allocation_.reset(); }

}  // namespace portpool
