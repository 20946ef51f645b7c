#include "log.hpp"

#include "process.hpp"
#include "system.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstring>
#include <ctime>

namespace portpool::audit {
namespace {

SharedLog* sharedLog = nullptr;

/// Maps the first `size` bytes of the log's file, or returns null.
char* mapFile(std::size_t size) {
  const auto file = ::syscall(SYS_openat, AT_FDCWD, logPath(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (file < 0) return nullptr;
  void* memory =
      ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, static_cast<int>(file), 0);
  rlimit most{};
  // Who writes a file beyond its limit is killed.
  if (memory == MAP_FAILED && sharedLog == nullptr && ::getrlimit(RLIMIT_FSIZE, &most) == 0 &&
      most.rlim_cur >= sizeof(SharedLog)) {
    ::syscall(SYS_pwrite64, file, program(), ::strnlen(program(), sizeof sharedLog->unmapped - 1),
              offsetof(SharedLog, unmapped));
  }
  ::syscall(SYS_close, file);
  return memory == MAP_FAILED ? nullptr : static_cast<char*>(memory);
}

/// The file up to the end of a line, mapped while the line is written.
class Window {
 public:
  explicit Window(std::size_t size) : size_(size) {
    if (size <= SharedLog::kMapped) {
      begin_ = reinterpret_cast<char*>(sharedLog);
      return;
    }
    // A second mapping of the same file, longer than the first: for this nothing is opened.
    const auto address = ::syscall(SYS_mremap, sharedLog, 0, size, MREMAP_MAYMOVE);
    // NOLINTNEXTLINE(performance-no-int-to-ptr): syscall() returns addresses as numbers
    begin_ = address == -1 ? mapFile(size) : reinterpret_cast<char*>(address);
  }
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;
  ~Window() {
    if (begin_ != nullptr && size_ > SharedLog::kMapped) ::syscall(SYS_munmap, begin_, size_);
  }

  char* begin() const { return begin_; }

 private:
  char* begin_ = nullptr;
  std::size_t size_;
};

/// Whether the disk has room for a line there. A write to memory without that would end the
/// program; to the system, which writes the time there, it is an error.
bool hasRoom(char* line, std::size_t size) {
  const auto canWrite = [](char* at) {
    return ::syscall(SYS_clock_gettime, CLOCK_MONOTONIC, at) == 0;
  };
  // No line has more than two pages.
  return size >= sizeof(timespec) && canWrite(line) && canWrite(line + size - sizeof(timespec));
}

char printable(char letter) {
  constexpr unsigned char kFirst = 0x20, kDelete = 0x7f;
  const auto byte = static_cast<unsigned char>(letter);
  return byte < kFirst || byte == kDelete ? '?' : letter;
}

}  // namespace

void mapLog() {
  auto* log = mapFile(SharedLog::kMapped);
  if (log == nullptr) return;
  ::madvise(log, SharedLog::kMapped, MADV_DONTDUMP);
  sharedLog = reinterpret_cast<SharedLog*>(log);
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
  const auto at = sizeof(SharedLog) + sharedLog->size.fetch_add(size, std::memory_order_relaxed);
  if (at + size > sharedLog->fileSize) return countLostLine();
  const KeepErrno keepErrno;
  const Window window(at + size);
  if (window.begin() == nullptr) return countLostLine();
  auto* to = window.begin() + at;
  if (!hasRoom(to, size)) return countLostLine();
  for (std::size_t i = 0; i < count_; ++i) {
    for (std::size_t j = 0; j < fields_[i].size; ++j) *to++ = printable(fields_[i].text[j]);
    *to++ = i + 1 < count_ ? '\t' : '\n';
  }
}

}  // namespace portpool::audit
