// What a process finds that its memory was copied to. There are only fork() and its handlers: no
// memory is wiped (minherit() shares, copies or omits it), and nothing is like a bare clone().

#include "../posix/copied_memory.hpp"

namespace portpool::platform {

void* memoryWipedOnFork(std::size_t /*size*/) noexcept { return nullptr; }

bool isStillOurs(int /*descriptor*/) noexcept { return false; }

}  // namespace portpool::platform
