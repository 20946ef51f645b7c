#include "log.hpp"

#include "process.hpp"
#include "system.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <charconv>

namespace portpool::audit {

Line& Line::add(const char* text, std::size_t most) {
  constexpr unsigned char kFirstPrintable = 0x20, kDelete = 0x7f;
  constexpr std::size_t kSeparator = 1;
  for (; *text != '\0' && most > 0 && size_ + kSeparator < sizeof text_; ++text, --most) {
    const auto letter = static_cast<unsigned char>(*text);
    text_[size_++] = letter < kFirstPrintable || letter == kDelete ? '?' : *text;
  }
  if (size_ < sizeof text_) text_[size_++] = '\t';
  return *this;
}

Line& Line::add(std::uint64_t number) {
  char digits[24]{};
  std::to_chars(digits, digits + sizeof digits - 1, number);
  return add(digits);
}

void Line::write() {
  const KeepErrno keepErrno;
  if (size_ == 0) return;
  text_[size_ - 1] = '\n';
  // Opened anew each time, since programs close descriptors that they do not know.
  const auto log = ::syscall(SYS_openat, AT_FDCWD, logPath(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (log < 0) return;
  ::syscall(SYS_write, log, text_, size_);
  ::syscall(SYS_close, log);
}

}  // namespace portpool::audit
