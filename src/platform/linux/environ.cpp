// The environment, as the C library declares it.

#include "../posix/environ.hpp"

#include <unistd.h>

namespace portpool::platform {

char** environmentTable() noexcept { return ::environ; }

}  // namespace portpool::platform
