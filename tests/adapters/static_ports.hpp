#pragma once

#include "promises.hpp"
#include "subject.hpp"
#include "support/network.hpp"

#include <portpool/portpool.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

/// Ports that static objects of a source file without the adapter have.
std::vector<std::uint16_t> staticPorts();

/// Notes the network that this process is in, serves on the port, and says what is wrong: "" if it
/// is served, and leased in this network.
inline std::string faultsOfStaticPort(std::uint16_t port) {
  note("in network " + network());
  const NotedServer server(port);
  if (!server.isReached()) return "it is not served";
  portpool::PortPoolOptions options;
  options.waitTime = std::chrono::milliseconds(0);
  portpool::PortRequest request;
  request.transport = portpool::Transport::UDP;  // which the server does not stop
  try {
    portpool::PortPool(portpool::PortSet{{port, port}}, options).allocate(request);
    return "it is not leased";
  } catch (const portpool::NoPortAvailableError&) {
    return "";
  }
}
