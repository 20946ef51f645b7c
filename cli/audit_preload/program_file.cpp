#include "program_file.hpp"

#include "read_file.hpp"
#include "scratch.hpp"

#include <elf.h>
#include <link.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <utility>

namespace portpool::audit {
namespace {

/// The beginning of a file, in which linkers put the program headers.
struct Beginning {
  alignas(ElfW(Ehdr)) char text[1024];
  std::size_t size;
};

/// Whether the process will have rights that its user has not: the system then preloads nothing.
/// That is so, too, of a process whose effective user is not its real one.
bool gainsRights(const char* path) {
  struct stat file {};
  if (::stat(path, &file) != 0) return false;
  constexpr mode_t kSetsGroup = S_ISGID | S_IXGRP;
  const bool setsUser = (file.st_mode & S_ISUID) != 0;
  const bool setsGroup = (file.st_mode & kSetsGroup) == kSetsGroup;
  if ((setsUser ? file.st_uid : ::geteuid()) != ::getuid()) return true;
  if ((setsGroup ? file.st_gid : ::getegid()) != ::getgid()) return true;
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

/// The program that runs the script, or null if this is none. Writes into the text.
const char* interpreterIn(Beginning& script) {
  if (std::strncmp(script.text, "#!", 2) != 0) return nullptr;
  auto* name = script.text + 2 + std::strspn(script.text + 2, " \t");
  name[std::strcspn(name, " \t\n")] = '\0';
  return name;
}

const char* whyUnseenBinary(const Beginning& program, const char* path) {
  const auto* text = program.text;
  if (program.size < sizeof(ElfW(Ehdr)) || std::memcmp(text, ELFMAG, SELFMAG) != 0) return nullptr;
  constexpr auto kOwnClass = sizeof(void*) == 8 ? ELFCLASS64 : ELFCLASS32;
  if (text[EI_CLASS] != kOwnClass) return "of another architecture";
  if (!hasLoader(program, path)) return "statically linked";
  return gainsRights(path) ? "has rights that its user does not have" : nullptr;
}

}  // namespace

const char* whyUnseen(const char* path) {
  struct Files {
    Beginning script, program;
  };
  const Scratch<Files> files;
  if (!files) return nullptr;
  auto *read = &(*files).program, *script = &(*files).script;
  constexpr int kScripts = 4;  // one run by another, as the system allows it
  for (int i = 0;; ++i) {
    read->size = readFile(path, read->text, sizeof read->text);
    const char* interpreter = i < kScripts ? interpreterIn(*read) : nullptr;
    if (interpreter == nullptr) return whyUnseenBinary(*read, path);
    path = interpreter;
    std::swap(read, script);
  }
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
