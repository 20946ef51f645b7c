#include "platform/isolation.hpp"

#include <portpool/errors.hpp>

namespace portpool::platform {

void isolate() {
  throw IsolationError(
      "cannot isolate this process: Windows has no network of a process's own; do without");
}

}  // namespace portpool::platform
