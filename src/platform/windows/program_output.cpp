#include "program_output.hpp"

#include "handle.hpp"
#include "windows.hpp"

#include <cstddef>
#include <vector>

namespace portpool::platform {
namespace {

/// Has a child inherit these handles and no other ones, which another thread may have open for a
/// child of its own.
class InheritedHandles {
 public:
  explicit InheritedHandles(std::vector<HANDLE> handles) : handles_(std::move(handles)) {
    SIZE_T size = 0;
    ::InitializeProcThreadAttributeList(nullptr, 1, 0, &size);
    bytes_.resize(size);
    isWhole_ =
        ::InitializeProcThreadAttributeList(get(), 1, 0, &size) != 0 &&
        ::UpdateProcThreadAttribute(get(), 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST, handles_.data(),
                                    handles_.size() * sizeof(HANDLE), nullptr, nullptr) != 0;
  }
  InheritedHandles(const InheritedHandles&) = delete;
  InheritedHandles& operator=(const InheritedHandles&) = delete;
  ~InheritedHandles() { ::DeleteProcThreadAttributeList(get()); }

  explicit operator bool() const noexcept { return isWhole_; }
  LPPROC_THREAD_ATTRIBUTE_LIST get() noexcept {
    return reinterpret_cast<LPPROC_THREAD_ATTRIBUTE_LIST>(bytes_.data());
  }

 private:
  std::vector<HANDLE> handles_;
  std::vector<std::byte> bytes_;
  bool isWhole_ = false;
};

}  // namespace

std::optional<std::string> outputOf(const std::wstring& path, const std::wstring& arguments) {
  constexpr DWORD kMost = 16384;  // and the pipe holds it, so that nobody has to read meanwhile
  constexpr DWORD kLongest = 10'000;
  SECURITY_ATTRIBUTES inheritable{sizeof inheritable, nullptr, TRUE};
  HANDLE reading = nullptr;
  HANDLE writing = nullptr;
  if (::CreatePipe(&reading, &writing, &inheritable, kMost) == 0) return std::nullopt;
  const Handle output(reading);
  Handle itsOutput(writing);
  ::SetHandleInformation(reading, HANDLE_FLAG_INHERIT, 0);
  InheritedHandles inherited({writing});
  if (!inherited) return std::nullopt;

  STARTUPINFOEXW startup{};
  startup.StartupInfo.cb = sizeof startup;
  startup.StartupInfo.dwFlags = STARTF_USESTDHANDLES;
  startup.StartupInfo.hStdOutput = writing;
  startup.StartupInfo.hStdError = writing;
  startup.lpAttributeList = inherited.get();
  auto command = L'"' + path + L"\" " + arguments;
  PROCESS_INFORMATION started{};
  if (::CreateProcessW(path.c_str(), command.data(), nullptr, nullptr, TRUE,
                       CREATE_NO_WINDOW | EXTENDED_STARTUPINFO_PRESENT, nullptr, nullptr,
                       &startup.StartupInfo, &started) == 0) {
    return std::nullopt;
  }
  const Handle process(started.hProcess);
  const Handle thread(started.hThread);
  itsOutput.reset();
  DWORD exitCode = 1;
  if (::WaitForSingleObject(process.get(), kLongest) != WAIT_OBJECT_0 ||
      ::GetExitCodeProcess(process.get(), &exitCode) == 0 || exitCode != 0) {
    ::TerminateProcess(process.get(), 1);
    return std::nullopt;
  }
  // All of it is in the pipe. Nobody waits for its end: a child that another thread starts
  // meanwhile may have inherited the other end.
  DWORD size = 0;
  if (::PeekNamedPipe(output.get(), nullptr, 0, nullptr, &size, nullptr) == 0 || size >= kMost) {
    return std::nullopt;
  }
  std::string text(size, '\0');
  if (size != 0 && ::ReadFile(output.get(), text.data(), size, &size, nullptr) == 0) {
    return std::nullopt;
  }
  text.resize(size);
  return text;
}

}  // namespace portpool::platform
