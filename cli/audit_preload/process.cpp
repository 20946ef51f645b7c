#include "process.hpp"

#include "log.hpp"
#include "read_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <climits>
#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace portpool::audit {
namespace {

// Programs overwrite their arguments, and clear their environment.
char ownProgram[400];
char ownCommand[200];
char ownLog[PATH_MAX];
char ownLibrary[PATH_MAX];

/// Finds this library among those that are preloaded.
void readLibrary(const char* preloaded) {
  constexpr char kSeparators[] = " :";
  while (preloaded != nullptr && *preloaded != '\0') {
    const auto size = std::strcspn(preloaded, kSeparators);
    const char* name = std::strstr(preloaded, kLibrary);
    if (name != nullptr && name < preloaded + size && size < sizeof ownLibrary) {
      std::memcpy(ownLibrary, preloaded, size);
      return;
    }
    preloaded += size;
    preloaded += std::strspn(preloaded, kSeparators);
  }
}

/// When this process was started, in ticks of the clock since the system's start.
std::uint64_t startTime() {
  constexpr int kColumn = 20;  // behind the name of the program, which may hold anything
  char text[512]{};
  readFile("/proc/self/stat", text, sizeof text);
  const char* at = std::strrchr(text, ')');
  for (int i = 0; i < kColumn && at != nullptr; ++i) at = std::strchr(at + 1, ' ');
  std::uint64_t time = 0;
  if (at != nullptr) std::from_chars(at + 1, at + std::strlen(at), time);
  return time;
}

}  // namespace

void readProcess() {
  // As the system has them: this may be before the program has its arguments.
  const auto size = readFile("/proc/self/cmdline", ownCommand, sizeof ownCommand);
  if (::readlink("/proc/self/exe", ownProgram, sizeof ownProgram - 1) <= 0) {
    std::memcpy(ownProgram, ownCommand, sizeof ownCommand);
  }
  for (std::size_t i = 0; i + 1 < size; ++i) {
    if (ownCommand[i] == '\0') ownCommand[i] = ' ';
  }
  const char* log = std::getenv(kLogVariable);
  if (log != nullptr) std::memcpy(ownLog, log, ::strnlen(log, sizeof ownLog - 1));
  readLibrary(std::getenv("LD_PRELOAD"));
}

const char* program() { return ownProgram; }
const char* command() { return ownCommand; }
const char* logPath() { return ownLog; }
const char* libraryPath() { return ownLibrary; }

std::uint64_t processStart() {
  static std::atomic<pid_t> knownProcess{0};
  static std::atomic<std::uint64_t> knownStart{0};
  const auto self = ::getpid();
  if (knownProcess.load(std::memory_order_acquire) != self) {
    struct stat processes {};
    ::stat("/proc/self/ns/pid", &processes);
    knownStart.store(processes.st_ino << 32 ^ startTime(), std::memory_order_relaxed);
    knownProcess.store(self, std::memory_order_release);
  }
  return knownStart.load(std::memory_order_relaxed);
}

Place::Place(const void* address) {
  if (!maps_) return;
  const auto file =
      ::syscall(SYS_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return;
  auto& text = (*maps_).text;
  std::size_t size = 0;
  for (bool isFound = false; !isFound;) {
    const auto count = ::syscall(SYS_read, file, text + size, sizeof text - size);
    if (count <= 0) break;
    size += static_cast<std::size_t>(count);
    char* line = text;
    while (!isFound) {
      const auto left = static_cast<std::size_t>(text + size - line);
      auto* end = static_cast<char*>(std::memchr(line, '\n', left));
      if (end == nullptr) break;
      *end = '\0';
      isFound = readLine(line, reinterpret_cast<std::uintptr_t>(address));
      line = end + 1;
    }
    if (isFound) break;
    size = static_cast<std::size_t>(text + size - line);
    std::memmove(text, line, size);
  }
  ::syscall(SYS_close, file);
}

bool Place::readLine(const char* line, std::uintptr_t address) {
  // BEGIN-END RIGHTS OFFSET DEVICE INODE PATH
  const auto number = [&] {
    std::uintptr_t value = 0;
    const auto end = std::from_chars(line, line + std::strlen(line), value, 16);
    line = end.ptr;
    if (*line != '\0') ++line;
    return value;
  };
  const auto begin = number(), end = number();
  if (address < begin || address >= end) return false;
  line += std::strcspn(line, " ");
  if (*line != '\0') ++line;
  const auto offset = number();
  const char* path = std::strchr(line, '/');
  if (path != nullptr) {
    module_ = path;
    offset_ = offset + (address - begin);
  }
  return true;
}

}  // namespace portpool::audit
