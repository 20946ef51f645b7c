#include "library_copy.hpp"

#include <chrono>
#include <optional>

#include <portpool/portpool.hpp>

namespace {
std::optional<portpool::TCPPortOwner> kept;
}

bool copyCanAllocate(std::uint16_t port) {
  kept.reset();
  portpool::PortPoolOptions dontWait;
  dontWait.waitTime = std::chrono::milliseconds(0);
  try {
    kept = portpool::PortPool(portpool::PortSet{{port, port}}, dontWait).allocate();
    return true;
  } catch (const portpool::NoPortAvailableError&) {
    return false;
  }
}

void copyCleanup() { kept.reset(); }
