#pragma once

// What shows a process that its memory is a copy, though no handler of pthread_atfork() ran.

#include <cstddef>

namespace portpool::platform {

/// Memory that the system fills with zeros in each copy of this process; null if it does not.
void* memoryWipedOnFork(std::size_t size) noexcept;

/// Whether the descriptor, which was one of portpool's sockets, still is one: the child of a bare
/// clone() may have closed it and opened something else. In doubt it is not.
bool isStillOurs(int descriptor) noexcept;

}  // namespace portpool::platform
