#pragma once

#include <string>
#include <vector>

#include "platform/windows/handle.hpp"

namespace portpool::test {

/// A program that this one talks to by lines, and that it ends at the latest with this object.
class StartedProgram {
 public:
  /// Starts it, as startProcess() does.
  StartedProgram(const std::string& path, const std::vector<std::string>& arguments);
  StartedProgram(StartedProgram&&) noexcept = default;
  StartedProgram& operator=(StartedProgram&&) = delete;
  ~StartedProgram();

  int pid() const;

  void send(const std::string& line) const;
  /// Waits for the next line. Throws std::runtime_error if the program ends before.
  std::string receive() const;
  std::string ask(const std::string& line) const {
    send(line);
    return receive();
  }

  /// Ends it, as the Task Manager does, and waits for that.
  void kill();
  /// Closes its input, and waits until it exits. Returns the exit code.
  unsigned long finish();

 private:
  platform::Handle process_, input_, output_;
};

}  // namespace portpool::test
