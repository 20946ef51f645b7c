#include "platform/files.hpp"

#include "platform/socket.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace portpool::platform {

int readFile(const std::string& path, std::string& text, std::size_t most) {
  text.clear();
  const Socket file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) return errno;
  constexpr std::size_t kPiece = 16384;
  while (text.size() < most) {
    const auto size = text.size();
    const auto wanted = std::min(kPiece, most - size);
    text.resize(size + wanted);
    const auto count = ::read(file.get(), &text[size], wanted);
    const int error = errno;
    text.resize(size + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count == 0) return 0;
    if (count < 0 && error != EINTR) return error;
  }
  return 0;
}

}  // namespace portpool::platform
