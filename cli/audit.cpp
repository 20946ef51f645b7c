#include "audit_functions.hpp"
#include "audit_log.hpp"
#include "audit_log_file.hpp"
#include "audit_preload/log.hpp"
#include "audit_preload/program_file.hpp"
#include "audit_report.hpp"
#include "child_process.hpp"
#include "descriptor.hpp"
#include "output.hpp"
#include "process_state.hpp"

#include <portpool/server_ports.hpp>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <system_error>

namespace portpool::cli {
namespace {

namespace fs = std::filesystem;

/// The library that is preloaded: beside this program where it is built, and else where it is
/// installed.
std::string findLibrary() {
  const auto folder = fs::read_symlink("/proc/self/exe").parent_path();
  const auto built = folder / audit::kLibrary;
  const auto installed = folder / PORTPOOL_AUDIT_FOLDER / audit::kLibrary;
  const auto path = fs::exists(built) ? built : installed;
  if (!fs::exists(path)) {
    throw std::runtime_error("the library that records ports is neither " + built.string() +
                             " nor " + installed.string() +
                             "; install all of portpool, or build all of it");
  }
  auto text = fs::canonical(path).string();
  if (text.find_first_of(" :") != std::string::npos) {
    throw std::runtime_error(
        "\"" + text +
        "\" cannot be preloaded, because its path contains a blank or a colon; build or "
        "install portpool elsewhere");
  }
  return text;
}

/// The programs whose parents have ended before them, and left them to this process. What keeps the
/// ports of `portpool get` ends by itself.
std::vector<std::string> orphans() {
  std::vector<std::string> programs;
  const auto self = ::getpid();
  const auto ownProgram = programOf(self);
  const auto id = std::to_string(self);
  std::ifstream children("/proc/" + id + "/task/" + id + "/children");
  for (pid_t child = 0; children >> child;) {
    if (::waitpid(child, nullptr, WNOHANG) == child) continue;
    const auto path = programOf(child);
    if (path == ownProgram) continue;
    const auto name = path.substr(path.rfind('/') + 1);
    programs.push_back(printable(name) + " (pid " + std::to_string(child) + ')');
  }
  return programs;
}

/// Adds a word to a list in the environment.
void append(const char* variable, const std::string& word) {
  const char* old = std::getenv(variable);
  const bool isFirst = old == nullptr || *old == '\0';
  ::setenv(variable, (isFirst ? word : std::string(old) + ':' + word).c_str(), 1);
}

void prepareEnvironment(const std::string& library, const std::string& log) {
  append("LD_PRELOAD", library);
  // As the library says by itself, to programs that do not say something else.
  append("ASAN_OPTIONS", "verify_asan_link_order=0");
  ::setenv(audit::kLogVariable, log.c_str(), 1);
  ::unsetenv(audit::kTestVariable);
}

/// Opens the file of the report for this process alone.
int openReport(const std::string& path) {
  constexpr mode_t kMode = 0666;  // as the umask has it
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kMode);
  if (file < 0) throw std::system_error(errno, std::generic_category(), path);
  return file;
}

bool writeAll(int file, const std::string& text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto count = ::write(file, text.data() + at, text.size() - at);
    if (count < 0 && errno != EINTR) return false;
    if (count > 0) at += static_cast<std::size_t>(count);
  }
  return true;
}

AuditLog readLog(const AuditLogFile& file, const Command& command) {
  auto log = readAuditLog(file.descriptor());
  log.isDeleted = !file.isThere();
  log.running = orphans();
  std::array<char, PATH_MAX> program{};
  if (audit::findProgram(command.front().c_str(), program.data(), program.size())) {
    const char* why = audit::whyUnseen(program.data());
    if (why != nullptr) log.unseen.emplace(program.data(), why);
  }
  return log;
}

}  // namespace

int audit(const AuditOptions& options, const Command& command) {
  const auto library = findLibrary();
  const auto& path = options.output;
  const Descriptor file(path.empty() ? -1 : openReport(path));
  holdSignals();  // of which one would leave the log's folder behind
  const AuditLogFile logFile;
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const int status =
      runCommand(command, ::getppid(), [&] { prepareEnvironment(library, logFile.path()); });

  auto log = readLog(logFile, command);
  std::vector<PortUse*> named;
  for (auto& use : log.uses) {
    if (!use.isEphemeral) named.push_back(&use);
  }
  nameFunctions(named);
  const auto report = makeReport(log, getEphemeralTCPPortRange());
  std::ostringstream text;
  if (options.isJSON) {
    printJSON(report, log, {command, status}, text);
  } else {
    printTable(report, log, text);
  }
  if (!writeAll(file ? file.get() : STDOUT_FILENO, text.str())) {
    throw std::runtime_error("the report cannot be written to " + (file ? path : "stdout") + ": " +
                             std::generic_category().message(errno) + "; check the disk");
  }
  const bool isClean = report.findings.empty() && log.isComplete();
  return options.fail && !isClean ? kFailure : status;
}

}  // namespace portpool::cli
