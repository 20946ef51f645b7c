#include "platform/random.hpp"

#include "platform/system_error.hpp"
#include "windows.hpp"

#include <bcrypt.h>

namespace portpool::platform {

std::uint64_t randomNumber() {
  std::uint64_t number = 0;
  const auto status = ::BCryptGenRandom(nullptr, reinterpret_cast<unsigned char*>(&number),
                                        sizeof number, BCRYPT_USE_SYSTEM_PREFERRED_RNG);
  if (status < 0) throwSystemError("BCryptGenRandom", ERROR_GEN_FAILURE);
  return number;
}

}  // namespace portpool::platform
