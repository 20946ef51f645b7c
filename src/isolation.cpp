#include <portpool/isolation.hpp>

#include "environment.hpp"
#include "platform/platform.hpp"

#include <portpool/errors.hpp>

#include <cstdlib>

namespace portpool {

void isolate() { platform::isolate(); }

bool isolateIfRequested() noexcept {
  constexpr const char* kVariable = "PORTPOOL_ISOLATE";
  try {
    const auto mode = environmentChoice(kVariable, {"0", "1", "try"});
    if (mode == "0") return true;
    try {
      isolate();
      // The children are in this namespace already; one each would cut them off from this process.
      ::unsetenv(kVariable);
    } catch (const IsolationError& error) {
      if (mode != "try") throw;
      warn(error.what());
    }
    return true;
  } catch (const std::exception& error) {
    say(error.what());
    return false;
  }
}

}  // namespace portpool
