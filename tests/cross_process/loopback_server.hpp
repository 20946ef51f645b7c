#pragma once

#include <cstdint>

namespace portpool::test {

/// Listens on the port as a server without SO_REUSEADDR does (with it, where leases are by lock
/// file and ports held for it), connects to it over the loopback address, and checks that it is
/// this very server that answers. The addresses take turns: 0.0.0.0, 127.0.0.1, ::, ::1. Leaves no
/// connection in TIME_WAIT. Throws if anything fails.
void serveOnce(std::uint16_t port);

}  // namespace portpool::test
