#pragma once

// The ports of tests. The functions are thread-safe.

#include <portpool/cpp17.hpp>

#include <portpool/port_range.hpp>
#include <portpool/port_request.hpp>
#include <portpool/sockets.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#pragma GCC visibility push(default)
namespace portpool {

/// Allocates a port and returns it. It belongs to the innermost phase of the run that has begun and
/// not ended, and is returned when that phase ends: with an adapter, the running test. If there is
/// no phase, it belongs to the process until it exits. From PySys's BaseTest.
///
/// Ports come from this process's pool, and every function throws as PortPool::process() and
/// PortPool::allocate() do.
std::uint16_t getNextAvailableTCPPort(const PortRequest& request = detail::defaultRequest());
std::uint16_t getNextAvailableTCPPort(std::vector<std::string> hosts,
                                      AddressFamily family = AddressFamily::Any);

/// The same for UDP.
std::uint16_t getNextAvailableUDPPort(PortRequest request = {});

/// `count` ports, all or none. Throws as PortPool::allocateSeveral() does.
std::vector<std::uint16_t> getNextAvailableTCPPorts(
    std::size_t count, const PortRequest& request = detail::defaultRequest());

/// A block of `count` ports, all or none: consecutive, unless the request asks for a distance.
/// Returns its first and its last port. Throws as PortPool::allocateBlock() does.
PortRange getNextAvailableTCPPortBlock(std::size_t count,
                                       const PortRequest& request = detail::defaultRequest());

/// A port that refuses connections and that nobody can bind until it is returned.
std::uint16_t getRefusedTCPPort(PortRequest request = {});

/// A listening socket on a port that belongs to the phase. At no moment is the port free: until the
/// socket listens, only a program that sets SO_REUSEADDR could bind it too (where the system has no
/// holds, on macOS and Windows, any program could). Throws as TCPPortOwner::listen() does.
ListeningSocket getListeningTCPSocket(const std::string& host = "localhost", int backlog = 128);

/// The port of this name: the one that the innermost phase, or else a phase around it, has already
/// given that name, or else a new one. In a forked child it is the parent's port. Replaces a
/// constant port number: `#define TEST_PORT portpool::getNamedTCPPort("server")`. The name appears
/// in messages and reports.
/// Throws PortSpecificationError if the name is empty, or belongs to a port that was requested with
/// another request, transport or count.
std::uint16_t getNamedTCPPort(const std::string& name,
                              const PortRequest& request = detail::defaultRequest());

/// The same for UDP.
std::uint16_t getNamedUDPPort(const std::string& name, PortRequest request = {});

/// The same for a block of `count` ports.
PortRange getNamedTCPPortBlock(const std::string& name, std::size_t count,
                               const PortRequest& request = detail::defaultRequest());

/// For the output of a failing test: the ports of all phases that have not ended, including the
/// ports that the innermost phase has already returned, with the program that listens on each, as
/// far as the system shows it. One line for each port, with its phase; "" if there are none.
std::string describePorts();

}  // namespace portpool
#pragma GCC visibility pop
