#pragma once

#include <cstdint>

// A second copy of the library in one process, as two plugins that each contain it would bring.

/// Whether the copy's pool of this one port hands it out; it keeps it until the next call.
bool copyCanAllocate(std::uint16_t port);

/// Ends the lease that the copy keeps.
void copyCleanup();
