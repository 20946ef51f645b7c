#include "waiting_line.hpp"

namespace portpool {
namespace {

/// The keys above those of the ports, by the set's first port and size. Two sets can share a line,
/// which costs their waiters nothing but the order.
std::uint64_t firstKeyOf(const PortSet& ports, std::uint64_t places) {
  const auto line = (std::uint64_t{*ports.begin()} * 31 + ports.size()) % 65536;
  return 65536 + line * places;
}

}  // namespace

PlaceInLine::PlaceInLine(platform::LeaseRegistry& registry, const PortSet& ports)
    : registry_(registry), firstKey_(firstKeyOf(ports, kPlaces)) {}

bool PlaceInLine::advance() {
  while (place_ > 0) {
    auto ahead = registry_.tryAcquire(firstKey_ + place_ - 1);
    if (!ahead) return false;
    lease_ = std::move(ahead);
    --place_;
  }
  return true;
}

bool PlaceInLine::isAnyoneWaiting(platform::LeaseRegistry& registry, const PortSet& ports) {
  // The first place is empty for a moment when its holder leaves, and then the second is not. One
  // who moves up takes the place ahead before he leaves his own, so the second is looked at first.
  const auto first = firstKeyOf(ports, kPlaces);
  return !registry.tryAcquire(first + 1) || !registry.tryAcquire(first);
}

}  // namespace portpool
