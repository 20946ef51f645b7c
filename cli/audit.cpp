#include "audit_functions.hpp"
#include "audit_log.hpp"
#include "audit_preload/log.hpp"
#include "audit_preload/program_file.hpp"
#include "audit_report.hpp"
#include "child_process.hpp"

#include <portpool/server_ports.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
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
  constexpr const char* kName = "libportpool_audit.so";
  const auto built = folder / kName, installed = folder / PORTPOOL_AUDIT_FOLDER / kName;
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

/// A file that every process of the command can append to, whatever user it becomes.
class LogFile {
 public:
  LogFile() : path_((fs::temp_directory_path() / "portpool-audit-XXXXXX").string()) {
    constexpr mode_t kEveryUser = S_IRUSR | S_IWUSR | S_IWGRP | S_IWOTH;
    const int file = ::mkstemp(path_.data());
    if (file < 0) throw std::system_error(errno, std::generic_category(), path_);
    ::fchmod(file, kEveryUser);
    ::close(file);
  }
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;
  ~LogFile() {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Adds a word to a list in the environment.
void append(const char* variable, const std::string& word) {
  const char* old = std::getenv(variable);
  const bool isFirst = old == nullptr || *old == '\0';
  ::setenv(variable, (isFirst ? word : std::string(old) + ':' + word).c_str(), 1);
}

void prepareEnvironment(const std::string& library, const std::string& log) {
  append("LD_PRELOAD", library);
  // A sanitizer's runtime that is a library of its own wants to be the first that is loaded; this
  // one takes nothing away from it.
  append("ASAN_OPTIONS", "verify_asan_link_order=0");
  ::setenv(audit::kLogVariable, log.c_str(), 1);
  ::unsetenv(audit::kTestVariable);
}

AuditLog readLog(const std::string& path, const Command& command) {
  std::ifstream file(path);
  auto log = readAuditLog(file);
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
  std::ofstream file;
  if (!options.output.empty()) {
    file.open(options.output);
    if (!file) throw std::system_error(errno, std::generic_category(), options.output);
  }
  const LogFile logFile;
  const int status =
      runCommand(command, ::getppid(), [&] { prepareEnvironment(library, logFile.path()); });

  auto log = readLog(logFile.path(), command);
  std::vector<PortUse*> unleased;
  for (auto& use : log.uses) {
    if (!use.isLeased && !use.isEphemeral) unleased.push_back(&use);
  }
  nameFunctions(unleased);
  const auto report = makeReport(log, getEphemeralTCPPortRange());
  auto& out = options.output.empty() ? std::cout : file;
  if (options.isJSON) {
    printJSON(report, log, {command, status}, out);
  } else {
    printTable(report, log, out);
  }
  if (!out.flush()) {
    throw std::runtime_error("the report cannot be written to " +
                             (options.output.empty() ? "stdout" : options.output));
  }
  return options.fail && !report.findings.empty() ? kFailure : status;
}

}  // namespace portpool::cli
