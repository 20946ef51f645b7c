// What a process finds that its memory was copied to.

#include "../posix/copied_memory.hpp"

#include <sys/mman.h>

namespace portpool::platform {

void* memoryWipedOnFork(std::size_t size) noexcept {
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  if (::minherit(memory, size, INHERIT_ZERO) == 0) return memory;
  ::munmap(memory, size);
  return nullptr;
}

/// rfork() alone makes a child without the handlers of fork(), and that one is not looked into.
bool isStillOurs(int /*descriptor*/) noexcept { return false; }

}  // namespace portpool::platform
