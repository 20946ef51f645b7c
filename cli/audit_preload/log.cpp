#include "log.hpp"

#include "process.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <charconv>
#include <cstring>

namespace portpool::audit {
namespace {

SharedLog* sharedLog = nullptr;

char printable(char letter) {
  constexpr unsigned char kFirst = 0x20, kDelete = 0x7f;
  const auto byte = static_cast<unsigned char>(letter);
  return byte < kFirst || byte == kDelete ? '?' : letter;
}

}  // namespace

void mapLog() {
  const auto file = ::syscall(SYS_openat, AT_FDCWD, logPath(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (file < 0) return;
  void* log = ::mmap(nullptr, sizeof(SharedLog), PROT_READ | PROT_WRITE, MAP_SHARED,
                     static_cast<int>(file), 0);
  ::syscall(SYS_close, file);
  if (log == MAP_FAILED) return;
  ::madvise(log, sizeof(SharedLog), MADV_DONTDUMP);
  sharedLog = static_cast<SharedLog*>(log);
}

void countLostLine() {
  if (sharedLog != nullptr) sharedLog->lost.fetch_add(1, std::memory_order_relaxed);
}

Line& Line::add(const char* text, std::size_t most) {
  fields_[count_++] = {text, ::strnlen(text, most)};
  return *this;
}

Line& Line::add(std::uint64_t number) {
  auto& digits = digits_[numbers_++];
  std::to_chars(digits, digits + sizeof digits - 1, number);
  return add(digits);
}

void Line::write() const {
  if (sharedLog == nullptr) return;
  std::size_t size = 0;
  for (std::size_t i = 0; i < count_; ++i) size += fields_[i].size + 1;
  const auto at = sharedLog->size.fetch_add(size, std::memory_order_relaxed);
  if (at > sizeof sharedLog->text || size > sizeof sharedLog->text - at) return countLostLine();
  auto* to = sharedLog->text + at;
  for (std::size_t i = 0; i < count_; ++i) {
    for (std::size_t j = 0; j < fields_[i].size; ++j) *to++ = printable(fields_[i].text[j]);
    *to++ = i + 1 < count_ ? '\t' : '\n';
  }
}

}  // namespace portpool::audit
