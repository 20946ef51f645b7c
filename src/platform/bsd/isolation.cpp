#include "platform/isolation.hpp"

#include <portpool/errors.hpp>

namespace portpool::platform {

void isolate() {
  throw IsolationError(
      "cannot isolate this process: this system has no network namespaces; set "
      "PORTPOOL_ISOLATE=try to go on without, or unset it");
}

}  // namespace portpool::platform
