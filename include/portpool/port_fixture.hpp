#pragma once

#include <portpool/port_scope.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace portpool {

/// A mixin for test fixtures: derives from `Base` and owns the ports that it hands out, until its
/// destructor, so that they outlive every member of the classes derived from it.
/// The adapters name it for their framework.
template <class Base>
class PortFixture : public Base {
 protected:
  /// As portpool::getNextAvailableTCPPort, in the fixture's own scope.
  std::uint16_t getNextAvailableTCPPort(const PortRequest& request = {}) {
    return scope_.getNextAvailableTCPPort(request);
  }
  std::uint16_t getNextAvailableTCPPort(std::vector<std::string> hosts,
                                        AddressFamily family = AddressFamily::Any) {
    PortRequest request;
    request.hosts = std::move(hosts);
    request.family = family;
    return scope_.getNextAvailableTCPPort(request);
  }

 private:
  PortScope scope_;
};

}  // namespace portpool
