// Whether this process has threads, which the C library may know.

#include "platform/fork.hpp"

#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#endif

namespace portpool::platform {

bool mayHaveThreads() noexcept {
#if __has_include(<sys/single_threaded.h>)
  return __libc_single_threaded == 0;
#else
  return true;
#endif
}

}  // namespace portpool::platform
