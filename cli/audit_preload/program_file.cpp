#include "program_file.hpp"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>
#include <cstring>

namespace portpool::audit {
namespace {

/// The beginning of a file, in which linkers put the program headers.
struct Beginning {
  explicit Beginning(const char* path) {
    const auto file = ::syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) return;
    const auto read = ::syscall(SYS_pread64, file, text, sizeof text - 1, 0);
    ::syscall(SYS_close, file);
    if (read > 0) size = static_cast<std::size_t>(read);
    text[size] = '\0';
  }

  alignas(ElfW(Ehdr)) char text[1024]{};
  std::size_t size = 0;
};

/// Whether the process will have rights that its user has not: the system then preloads nothing.
bool gainsRights(const char* path) {
  struct stat file {};
  if (::stat(path, &file) != 0) return false;
  if ((file.st_mode & S_ISUID) != 0 && file.st_uid != ::getuid()) return true;
  if ((file.st_mode & S_ISGID) != 0 && file.st_gid != ::getgid()) return true;
  return ::geteuid() != 0 && ::getxattr(path, "security.capability", nullptr, 0) > 0;
}

bool isLoader(const char* path) {
  const char* slash = std::strrchr(path, '/');
  return std::strncmp(slash == nullptr ? path : slash + 1, "ld", 2) == 0 &&
         std::strstr(path, ".so") != nullptr;
}

/// Whether the program is loaded by a dynamic loader, or is one.
bool hasLoader(const Beginning& beginning, const char* path) {
  const auto& header = *reinterpret_cast<const ElfW(Ehdr)*>(beginning.text);
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    const auto at = header.e_phoff + i * sizeof(ElfW(Phdr));
    if (at + sizeof(ElfW(Phdr)) > beginning.size) return true;  // unusual: nothing is said
    ElfW(Phdr) segment{};
    std::memcpy(&segment, beginning.text + at, sizeof segment);
    if (segment.p_type == PT_INTERP) return true;
  }
  return isLoader(path);
}

const char* whyUnseen(const char* path, int scripts) {
  Beginning beginning(path);
  auto* text = beginning.text;
  if (std::strncmp(text, "#!", 2) == 0 && scripts > 0) {
    text += 2 + std::strspn(text + 2, " \t");
    text[std::strcspn(text, " \t\n")] = '\0';
    return whyUnseen(text, scripts - 1);
  }
  if (beginning.size < sizeof(ElfW(Ehdr)) || std::memcmp(text, ELFMAG, SELFMAG) != 0) {
    return nullptr;
  }
  constexpr auto kOwnClass = sizeof(void*) == 8 ? ELFCLASS64 : ELFCLASS32;
  if (text[EI_CLASS] != kOwnClass) return "of another architecture";
  if (!hasLoader(beginning, path)) return "statically linked";
  return gainsRights(path) ? "has rights that its user does not have" : nullptr;
}

}  // namespace

const char* whyUnseen(const char* path) {
  constexpr int kScripts = 4;  // one run by another, as the system allows it
  return whyUnseen(path, kScripts);
}

bool findProgram(const char* name, char* path, std::size_t size) {
  const auto nameSize = std::strlen(name) + 1;
  const bool isPath = std::strchr(name, '/') != nullptr;
  const char* folders = std::getenv("PATH");
  if (isPath) {
    folders = "";
  } else if (folders == nullptr) {
    folders = "/bin:/usr/bin";
  }
  for (;;) {
    const auto length = std::strcspn(folders, ":");
    if (length + 1 + nameSize <= size) {
      std::memcpy(path, folders, length);
      auto* end = path + length;
      if (length > 0) *end++ = '/';
      std::memcpy(end, name, nameSize);
      struct stat file {};
      if (::access(path, X_OK) == 0 && ::stat(path, &file) == 0 && S_ISREG(file.st_mode)) {
        return true;
      }
    }
    folders += length;
    if (*folders++ == '\0') return false;
  }
}

}  // namespace portpool::audit
