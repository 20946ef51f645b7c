#include "audit_functions.hpp"

#include "child_process.hpp"

#include <fcntl.h>
#include <link.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <utility>

namespace portpool::cli {
namespace {

using Clock = std::chrono::steady_clock;

/// What a program that ends in time writes to stdout; nothing otherwise.
std::string outputOf(Command command, Clock::time_point deadline) {
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return {};
  const auto child = ::fork();
  if (child == 0) {
    ::dup2(pipe[1], STDOUT_FILENO);
    ::dup2(::open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
    ::_exit(becomeCommand(std::move(command)));
  }
  ::close(pipe[1]);
  std::string output;
  bool isWhole = false;
  while (child > 0 && !isWhole) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd readable{pipe[0], POLLIN, 0};
    if (left <= 0 || ::poll(&readable, 1, static_cast<int>(left)) != 1) break;
    std::array<char, 4096> piece{};
    const auto count = ::read(pipe[0], piece.data(), piece.size());
    if (count > 0) output.append(piece.data(), static_cast<std::size_t>(count));
    isWhole = count == 0;
  }
  ::close(pipe[0]);
  if (child > 0) {
    if (!isWhole) ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
  }
  return isWhole ? output : std::string();
}

/// What addr2line does not say of a file.
struct Module {
  explicit Module(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    ElfW(Ehdr) header{};
    if (!read(file, 0, header)) return;
    for (unsigned i = 0; i < header.e_phnum; ++i) {
      ElfW(Phdr) segment{};
      if (!read(file, header.e_phoff + i * sizeof segment, segment)) return;
      if (segment.p_type == PT_LOAD) segments.push_back(segment);
    }
    for (unsigned i = 0; i < header.e_shnum; ++i) {
      ElfW(Shdr) section{};
      if (!read(file, header.e_shoff + i * sizeof section, section)) return;
      if (section.sh_type == SHT_SYMTAB) hasSymbols = true;
    }
  }

  /// The address that the linker gave to what is there in the file.
  std::uint64_t addressOf(std::uint64_t offset) const {
    for (const auto& segment : segments) {
      if (offset - segment.p_offset < segment.p_filesz) {
        return offset - segment.p_offset + segment.p_vaddr;
      }
    }
    return offset;
  }

  std::vector<ElfW(Phdr)> segments;
  bool hasSymbols = false;  // of all of its functions

 private:
  template <class Object>
  static bool read(std::ifstream& file, std::uint64_t at, Object& object) {
    file.seekg(static_cast<std::streamoff>(at));
    return static_cast<bool>(file.read(reinterpret_cast<char*>(&object), sizeof object));
  }
};

std::string hexadecimal(std::uint64_t number) {
  std::ostringstream text;
  text << std::hex << number;
  return text.str();
}

}  // namespace

void nameFunctions(const std::vector<PortUse*>& uses) {
  constexpr std::chrono::seconds kLimit{10};
  constexpr std::size_t kAtATime = 1000;
  std::map<std::string, Module> modules;
  std::map<std::string, std::set<std::uint64_t>> places;
  for (auto* use : uses) {
    if (use->module.empty()) continue;
    const auto& module = modules.try_emplace(use->module, use->module).first->second;
    const auto address = module.addressOf(use->offset);
    auto& addresses = places[use->module];
    if (addresses.size() < kAtATime) addresses.insert(address);
    use->function =
        std::filesystem::path(use->module).filename().string() + "+0x" + hexadecimal(address);
  }
  std::map<std::pair<std::string, std::uint64_t>, std::string> names;
  const auto deadline = Clock::now() + kLimit;
  for (const auto& [path, addresses] : places) {
    Command command{"addr2line", "-f", "-C", "-e", path};
    // The return address less one is within the call instruction, and not after it.
    for (const auto address : addresses) command.push_back(hexadecimal(address - 1));
    std::istringstream lines(outputOf(std::move(command), deadline));
    for (const auto address : addresses) {
      std::string function, place;
      if (!std::getline(lines, function) || !std::getline(lines, place)) break;
      const bool isKnown = !function.empty() && function != "??";
      const bool isInSource = place.rfind("??", 0) != 0;
      // Without a table of symbols addr2line names the nearest function that is exported.
      if (isKnown && (isInSource || modules.at(path).hasSymbols)) names[{path, address}] = function;
    }
  }
  for (auto* use : uses) {
    if (use->module.empty()) continue;
    const auto name = names.find({use->module, modules.at(use->module).addressOf(use->offset)});
    if (name != names.end()) use->function = name->second;
  }
}

}  // namespace portpool::cli
