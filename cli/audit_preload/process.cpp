#include "process.hpp"

#include "log.hpp"
#include "read_file.hpp"

#include <link.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
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

/// When this process was started, in ticks of the clock since the system's start.
std::uint64_t startTime() {
  constexpr int kColumn = 20;  // behind the name of the program, which may hold anything
  char text[512]{};
  readFile("/proc/self/stat", text, sizeof text);
  const char* at = std::strrchr(text, ')');
  for (int i = 0; i < kColumn && at != nullptr; ++i) at = std::strchr(at + 1, ' ');
  return at == nullptr ? 0 : std::strtoull(at, nullptr, 10);
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
}

const char* program() { return ownProgram; }
const char* command() { return ownCommand; }
const char* logPath() { return ownLog; }

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

Place placeOf(const void* address) {
  struct Search {
    std::uintptr_t address = 0;
    Place place;
  } search{reinterpret_cast<std::uintptr_t>(address), {}};
  // This waits for a library that is being mapped, and not, as dladdr() does, until it is
  // initialized: its constructors may wait for the thread that calls.
  const auto look = [](dl_phdr_info* file, std::size_t, void* data) {
    auto& found = *static_cast<Search*>(data);
    const auto offset = found.address - file->dlpi_addr;
    for (int i = 0; i < file->dlpi_phnum; ++i) {
      const auto& segment = file->dlpi_phdr[i];
      if (segment.p_type != PT_LOAD || offset - segment.p_vaddr >= segment.p_memsz) continue;
      const bool isProgram = file->dlpi_name == nullptr || *file->dlpi_name == '\0';
      found.place = {isProgram ? program() : file->dlpi_name, offset};
      return 1;
    }
    return 0;
  };
  ::dl_iterate_phdr(look, &search);
  return search.place;
}

}  // namespace portpool::audit
