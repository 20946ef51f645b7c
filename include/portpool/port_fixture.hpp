#pragma once

#include <portpool/cpp17.hpp>

#include <portpool/ports.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#pragma GCC visibility push(default)
namespace portpool {

/// A mixin for test fixtures: extends `Base`, whose constructors it has, with the functions of
/// <portpool/ports.hpp> that hand out ports, and with no other name. With an adapter, the ports are
/// returned when the test ends, after the whole fixture is destroyed.
template <class Base>
class PortFixture : public Base {
 public:
  using Base::Base;

 protected:
  static std::uint16_t getNextAvailableTCPPort(
      const PortRequest& request = detail::defaultRequest()) {
    return ::portpool::getNextAvailableTCPPort(request);
  }
  static std::uint16_t getNextAvailableTCPPort(std::vector<std::string> hosts,
                                               AddressFamily family = AddressFamily::Any) {
    return ::portpool::getNextAvailableTCPPort(std::move(hosts), family);
  }
  static std::uint16_t getNextAvailableUDPPort(PortRequest request = {}) {
    return ::portpool::getNextAvailableUDPPort(std::move(request));
  }
  static std::vector<std::uint16_t> getNextAvailableTCPPorts(
      std::size_t count, const PortRequest& request = detail::defaultRequest()) {
    return ::portpool::getNextAvailableTCPPorts(count, request);
  }
  static PortRange getNextAvailableTCPPortBlock(
      std::size_t count, const PortRequest& request = detail::defaultRequest()) {
    return ::portpool::getNextAvailableTCPPortBlock(count, request);
  }
  static std::uint16_t getRefusedTCPPort(PortRequest request = {}) {
    return ::portpool::getRefusedTCPPort(std::move(request));
  }
  static ListeningSocket getListeningTCPSocket(const std::string& host = "localhost",
                                               int backlog = 128) {
    return ::portpool::getListeningTCPSocket(host, backlog);
  }
  static std::uint16_t getNamedTCPPort(const std::string& name,
                                       const PortRequest& request = detail::defaultRequest()) {
    return ::portpool::getNamedTCPPort(name, request);
  }
  static std::uint16_t getNamedUDPPort(const std::string& name, PortRequest request = {}) {
    return ::portpool::getNamedUDPPort(name, std::move(request));
  }
  static PortRange getNamedTCPPortBlock(const std::string& name, std::size_t count,
                                        const PortRequest& request = detail::defaultRequest()) {
    return ::portpool::getNamedTCPPortBlock(name, count, request);
  }
};

}  // namespace portpool
#pragma GCC visibility pop
