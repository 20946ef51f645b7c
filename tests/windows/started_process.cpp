#include "started_process.hpp"

#include "pipe.hpp"
#include "platform/windows/text.hpp"

namespace portpool::test {

platform::Handle startProcess(const std::string& path, const std::vector<std::string>& arguments,
                              const Streams& streams, std::wstring environment) {
  STARTUPINFOW startup{};
  startup.cb = sizeof startup;
  startup.dwFlags = STARTF_USESTDHANDLES;
  startup.hStdInput = streams.input;
  startup.hStdOutput = streams.output;
  startup.hStdError = streams.errors;
  std::wstring command = L'"' + platform::utf16(path) + L'"';
  for (const auto& argument : arguments) command += L" \"" + platform::utf16(argument) + L'"';
  PROCESS_INFORMATION started{};
  if (::CreateProcessW(nullptr, command.data(), nullptr, nullptr, TRUE,
                       DETACHED_PROCESS | CREATE_UNICODE_ENVIRONMENT,
                       environment.empty() ? nullptr : environment.data(), nullptr, &startup,
                       &started) == 0) {
    throwLastError("CreateProcess");
  }
  const platform::Handle thread(started.hThread);
  return platform::Handle(started.hProcess);
}

}  // namespace portpool::test
