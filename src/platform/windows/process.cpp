#include "platform/process.hpp"

#include "handle.hpp"
#include "text.hpp"
#include "windows.hpp"

#include <shellapi.h>

#include <memory>

namespace portpool::platform {

int pid() noexcept { return static_cast<int>(::GetCurrentProcessId()); }

bool hasExited(int pid) {
  const Handle process(::OpenProcess(SYNCHRONIZE, FALSE, static_cast<DWORD>(pid)));
  if (!process) return ::GetLastError() == ERROR_INVALID_PARAMETER;  // there is no such process
  return ::WaitForSingleObject(process.get(), 0) == WAIT_OBJECT_0;
}

std::vector<std::string> arguments() {
  std::vector<std::string> arguments;
  int count = 0;
  const std::unique_ptr<wchar_t*, decltype(&::LocalFree)> texts(
      ::CommandLineToArgvW(::GetCommandLineW(), &count), ::LocalFree);
  for (int i = 1; texts && i < count; ++i) arguments.push_back(utf8(texts.get()[i]));
  return arguments;
}

std::chrono::nanoseconds threadTime() noexcept {
  FILETIME created{}, exited{}, kernel{}, user{};
  ::GetThreadTimes(::GetCurrentThread(), &created, &exited, &kernel, &user);
  const auto ticksOf = [](const FILETIME& time) {
    return static_cast<std::int64_t>(std::uint64_t{time.dwHighDateTime} << 32 | time.dwLowDateTime);
  };
  using Ticks = std::chrono::duration<std::int64_t, std::ratio<1, 10'000'000>>;
  return Ticks(ticksOf(kernel) + ticksOf(user));
}

void writeToStderr(const std::string& text) noexcept {
  const auto stream = ::GetStdHandle(STD_ERROR_HANDLE);
  if (stream == nullptr || stream == INVALID_HANDLE_VALUE) return;
  for (std::size_t written = 0; written < text.size();) {
    DWORD count = 0;
    const auto left = static_cast<DWORD>(text.size() - written);
    if (::WriteFile(stream, text.data() + written, left, &count, nullptr) == 0 || count == 0) {
      return;
    }
    written += count;
  }
}

}  // namespace portpool::platform
