#include "started_program.hpp"

#include <stdexcept>

#include "pipe.hpp"
#include "started_process.hpp"

namespace portpool::test {
namespace {

void require(bool succeeded, const char* call) {
  if (!succeeded) throwLastError(call);
}

}  // namespace

StartedProgram::StartedProgram(const std::string& path, const std::vector<std::string>& arguments) {
  auto input = openPipe(Inherited::ReadEnd);
  auto output = openPipe(Inherited::WriteEnd);
  process_ =
      startProcess(path, arguments,
                   {input.readEnd.get(), output.writeEnd.get(), ::GetStdHandle(STD_ERROR_HANDLE)});
  input_ = std::move(input.writeEnd);
  output_ = std::move(output.readEnd);
}

StartedProgram::~StartedProgram() {
  if (process_) kill();
}

int StartedProgram::pid() const { return static_cast<int>(::GetProcessId(process_.get())); }

void StartedProgram::send(const std::string& line) const {
  const auto text = line + '\n';
  DWORD count = 0;
  require(
      ::WriteFile(input_.get(), text.data(), static_cast<DWORD>(text.size()), &count, nullptr) != 0,
      "WriteFile");
}

std::string StartedProgram::receive() const {
  std::string line;
  for (;;) {
    char letter = '\0';
    DWORD count = 0;
    if (::ReadFile(output_.get(), &letter, 1, &count, nullptr) == 0 || count == 0) {
      throw std::runtime_error("the program has ended");
    }
    if (letter == '\n') return line;
    if (letter != '\r') line += letter;
  }
}

void StartedProgram::kill() {
  ::TerminateProcess(process_.get(), 1);
  ::WaitForSingleObject(process_.get(), INFINITE);
  process_.reset();
}

unsigned long StartedProgram::finish() {
  input_.reset();
  ::WaitForSingleObject(process_.get(), INFINITE);
  unsigned long code = 1;
  ::GetExitCodeProcess(process_.get(), &code);
  process_.reset();
  return code;
}

}  // namespace portpool::test
