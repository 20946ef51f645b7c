#include "platform/random.hpp"

#include "platform/system_error.hpp"

#include <sys/random.h>  // has getentropy() on macOS
#include <unistd.h>      // elsewhere

#include <cerrno>

namespace portpool::platform {

std::uint64_t randomNumber() {
  std::uint64_t number = 0;
  if (::getentropy(&number, sizeof number) != 0) throwSystemError("getentropy", errno);
  return number;
}

}  // namespace portpool::platform
