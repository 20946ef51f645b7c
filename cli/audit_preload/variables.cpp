// What changes the environment, in which the running test may be named.

#include "current_test.hpp"
#include "system.hpp"

#include <cstdlib>
#include <cstring>

namespace portpool::audit {

// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): there they are reserved
PORTPOOL_AUDIT_EXPORT int setenv(const char* name, const char* value, int overwrite) noexcept {
  const int result = real().setenv(name, value, overwrite);
  if (result == 0) {
    const auto size = std::strlen(name);
    if (overwrite != 0 || !isSet(name, size)) learnVariable(name, size, value);
  }
  return result;
}

PORTPOOL_AUDIT_EXPORT int putenv(char* variable) noexcept {
  const int result = real().putenv(variable);
  if (result == 0) {
    const auto size = std::strcspn(variable, "=");
    learnVariable(variable, size, variable[size] == '\0' ? nullptr : variable + size + 1);
  }
  return result;
}

PORTPOOL_AUDIT_EXPORT int unsetenv(const char* name) noexcept {
  const int result = real().unsetenv(name);
  if (result == 0) learnVariable(name, std::strlen(name), nullptr);
  return result;
}

PORTPOOL_AUDIT_EXPORT int clearenv() noexcept {
  const int result = real().clearenv();
  if (result == 0) forgetVariables();
  return result;
}
// NOLINTEND(readability-inconsistent-declaration-parameter-name)

}  // namespace portpool::audit
