#include "support/process.hpp"

#include <sys/wait.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <future>
#include <stdexcept>

#include "support/boost_process.hpp"

std::string shownProcess(const std::string& pid, const std::string& program,
                         const std::string& arguments) {
  return pid + R"( \(\S*)" + program + ' ' + arguments + R"(\))";
}

ProcessResult runProcess(const std::string& program, const std::vector<std::string>& arguments,
                         const std::map<std::string, std::string>& variables) {
  constexpr std::chrono::minutes kLimit{2};

  // By env(1): the environments of Boost 1.74 are compared past the ends of their strings.
  auto command = arguments;
  command.insert(command.begin(), program);
  for (const auto& [name, value] : variables) {
    command.insert(command.begin(), name)->append("=").append(value);
  }

  boost::asio::io_context streams;
  std::future<std::string> output;
  std::future<std::string> errors;
  bp::child child(bp::exe = "/usr/bin/env", bp::args = command, bp::std_out > output,
                  bp::std_err > errors, bp::std_in < bp::null, streams);
  streams.run_for(kLimit);  // until both are at their end
  if (!streams.stopped()) {
    child.terminate();
    throw std::runtime_error(program + " does not come to its end");
  }
  child.wait();
  const int status = child.native_exit_code();
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), output.get(),
          errors.get()};
}
