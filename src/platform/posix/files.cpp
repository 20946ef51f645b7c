#include "platform/platform.hpp"

#include "posix.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

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

std::uint64_t randomNumber() {
  std::uint64_t number = 0;
  if (::getentropy(&number, sizeof number) != 0) throwSystemError("getentropy", errno);
  return number;
}

std::vector<std::string> environmentNames(std::string_view prefix) {
  std::vector<std::string> names;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (text.substr(0, prefix.size()) == prefix) names.emplace_back(text.substr(0, text.find('=')));
  }
  return names;
}

std::vector<std::string> arguments() {
  std::vector<std::string> arguments;
  std::string text;
  if (readFile("/proc/self/cmdline", text, std::numeric_limits<std::size_t>::max()) != 0) return {};
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = std::min(text.find('\0', begin), text.size());
    if (begin > 0) arguments.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return arguments;
}

int pid() noexcept { return ::getpid(); }

std::chrono::nanoseconds threadTime() noexcept {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

void writeToStderr(const std::string& text) noexcept {
  for (std::size_t written = 0; written < text.size();) {
    const auto count = ::write(STDERR_FILENO, text.data() + written, text.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;
    written += static_cast<std::size_t>(count);
  }
}

}  // namespace portpool::platform
