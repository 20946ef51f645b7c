#include "platform/isolation.hpp"

#include <portpool/errors.hpp>

namespace portpool::platform {

void isolate() {
  throw IsolationError(
      "cannot isolate this process: this system has no network namespaces; do without");
}

}  // namespace portpool::platform
