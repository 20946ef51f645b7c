#pragma once

#include <map>
#include <string>
#include <vector>

struct ProcessResult {
  int exitCode;  ///< or 128 and the signal that ended it, as a shell has it
  std::string output;
  std::string errors;
};

/// A pattern for how portpool names a process, of that pid (a pattern, too): by the command line,
/// or what the system shows of it.
std::string shownProcess(const std::string& pid, const std::string& program,
                         const std::string& arguments);

/// Runs a program to its end. `variables` are set in its environment, besides those of this
/// process. Throws std::runtime_error, having ended it, if it takes longer than two minutes.
ProcessResult runProcess(const std::string& program, const std::vector<std::string>& arguments,
                         const std::map<std::string, std::string>& variables = {});
