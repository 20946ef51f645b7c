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

/// Whether the file has a table of all of its functions.
bool hasSymbols(const std::string& module) {
  std::ifstream file(module, std::ios::binary);
  ElfW(Ehdr) header{};
  file.read(reinterpret_cast<char*>(&header), sizeof header);
  file.seekg(static_cast<std::streamoff>(header.e_shoff));
  for (int i = 0; file && i < header.e_shnum; ++i) {
    ElfW(Shdr) section{};
    file.read(reinterpret_cast<char*>(&section), sizeof section);
    if (file && section.sh_type == SHT_SYMTAB) return true;
  }
  return false;
}

}  // namespace

void nameFunctions(const std::vector<PortUse*>& uses) {
  constexpr std::chrono::seconds kLimit{10};
  constexpr std::size_t kAtATime = 1000;
  std::map<std::string, std::set<std::uint64_t>> places;
  for (const auto* use : uses) {
    auto& offsets = places[use->module];
    if (use->offset != 0 && offsets.size() < kAtATime) offsets.insert(use->offset);
  }
  std::map<std::pair<std::string, std::uint64_t>, std::string> names;
  const auto deadline = Clock::now() + kLimit;
  for (const auto& [module, offsets] : places) {
    if (module.empty() || offsets.empty()) continue;
    Command command{"addr2line", "-f", "-C", "-e", module};
    for (const auto offset : offsets) {
      std::ostringstream address;
      address << std::hex << offset - 1;  // within the call, and not behind it
      command.push_back(address.str());
    }
    // Without a table of symbols addr2line names the nearest function that is exported.
    const bool isSymbolic = hasSymbols(module);
    std::istringstream lines(outputOf(std::move(command), deadline));
    for (const auto offset : offsets) {
      std::string function, place;
      if (!std::getline(lines, function) || !std::getline(lines, place)) break;
      const bool isKnown = !function.empty() && function != "??";
      const bool isInSource = place.rfind("??", 0) != 0;
      if (isKnown && (isInSource || isSymbolic)) names[{module, offset}] = function;
    }
  }
  for (auto* use : uses) {
    const auto name = names.find({use->module, use->offset});
    if (name != names.end()) use->function = name->second;
  }
}

}  // namespace portpool::cli
