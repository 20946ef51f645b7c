#include "platform/isolation.hpp"

#include <portpool/errors.hpp>

namespace portpool::platform {

void isolate() {
  throw IsolationError(
      "cannot isolate this process: Windows has no network of a process's own; set "
      "PORTPOOL_ISOLATE=try to go on without, or unset it");
}

}  // namespace portpool::platform
