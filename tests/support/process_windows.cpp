#include <chrono>
#include <future>
#include <stdexcept>

#include "platform/windows/text.hpp"
#include "support/process.hpp"
#include "windows/pipe.hpp"
#include "windows/started_process.hpp"

namespace {

using portpool::platform::utf16;
using portpool::test::Inherited;
using portpool::test::openPipe;
using portpool::test::Pipe;

/// What a program writes to one of its streams.
class Stream {
 public:
  HANDLE writeEnd() const { return pipe_.writeEnd.get(); }

  /// All of it, with line ends as they are in C++.
  std::future<std::string> read() {
    pipe_.writeEnd.reset();
    return std::async(std::launch::async, [this] {
      std::string text;
      char letter = '\0';
      for (DWORD count = 0;
           ::ReadFile(pipe_.readEnd.get(), &letter, 1, &count, nullptr) != 0 && count == 1;) {
        if (letter != '\r') text += letter;
      }
      return text;
    });
  }

 private:
  Pipe pipe_ = openPipe(Inherited::WriteEnd);
};

/// This process's environment, and the variables.
std::wstring environmentWith(const std::map<std::string, std::string>& variables) {
  std::wstring block;
  wchar_t* const own = ::GetEnvironmentStringsW();
  for (const wchar_t* entry = own; *entry != L'\0';) {
    const std::wstring text = entry;
    const auto name = portpool::platform::utf8(text.substr(0, text.find(L'=', 1)));
    if (variables.count(name) == 0) block += text + L'\0';
    entry += text.size() + 1;
  }
  ::FreeEnvironmentStringsW(own);
  for (const auto& [name, value] : variables) block += utf16(name + '=' + value) + L'\0';
  return block + L'\0';
}

}  // namespace

// Wine does not know whose sockets those are that only listen.
std::string shownProcess(const std::string& pid, const std::string& program,
                         const std::string& /*arguments*/) {
  return '(' + pid + R"( \(\S*)" + program +
         R"x(\.exe\)|a process that the system does not show this user))x";
}

ProcessResult runProcess(const std::string& program, const std::vector<std::string>& arguments,
                         const std::map<std::string, std::string>& variables) {
  constexpr std::chrono::minutes kLimit{2};
  Stream output, errors;
  const auto process = portpool::test::startProcess(program, arguments,
                                                    {nullptr, output.writeEnd(), errors.writeEnd()},
                                                    environmentWith(variables));
  auto outputText = output.read();
  auto errorsText = errors.read();
  const auto limit = static_cast<DWORD>(std::chrono::milliseconds(kLimit).count());
  const bool isOver = ::WaitForSingleObject(process.get(), limit) == WAIT_OBJECT_0;
  if (!isOver) ::TerminateProcess(process.get(), 1);
  DWORD exitCode = 1;
  ::GetExitCodeProcess(process.get(), &exitCode);
  ProcessResult result{static_cast<int>(exitCode), outputText.get(), errorsText.get()};
  if (!isOver) throw std::runtime_error(program + " does not come to its end");
  return result;
}
