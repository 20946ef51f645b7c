#include "platform/windows/windows.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <io.h>

#include <cerrno>
#include <cstdlib>

#include "platform/windows/handle.hpp"
#include "platform/windows/text.hpp"
#include "platform/windows/winsock.hpp"
#include "sockets.hpp"
#include "system.hpp"
#include "unit/surroundings.hpp"
#include "windows/pipe.hpp"
#include "windows/started_process.hpp"

namespace portpool::test {
namespace {

[[noreturn]] void refuse(const char* what) { throw Refused(std::string("Windows has no ") + what); }

void checked(BOOL isDone, const char* what) {
  if (isDone == 0) throwLastError(what);
}

HANDLE toHandle(std::intptr_t number) { return reinterpret_cast<HANDLE>(number); }

}  // namespace

// ---- Sockets of programs that know nothing of portpool ------------------------------------------

platform::Socket newSocket(int family, int type) {
  platform::startWinsock();
  return platform::Socket(
      ::WSASocketW(family, type, 0, nullptr, 0, WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT));
}

NativeSocket acceptFrom(NativeSocket listener) noexcept {
  const auto connection = ::accept(listener, nullptr, nullptr);
  ::SetHandleInformation(reinterpret_cast<HANDLE>(connection), HANDLE_FLAG_INHERIT, 0);
  return connection;
}

int lastSocketError() noexcept {
  switch (const int error = ::WSAGetLastError()) {
    case WSAEADDRINUSE:
    case WSAEACCES:  // an exclusive socket has it
      return EADDRINUSE;
    case WSAECONNREFUSED:
      return ECONNREFUSED;
    default:
      return error;
  }
}

void setNonBlocking(NativeSocket socket) {
  u_long isNonBlocking = 1;
  ::ioctlsocket(socket, static_cast<long>(FIONBIO), &isNonBlocking);
}

void endSending(NativeSocket socket) { ::shutdown(socket, SD_SEND); }

bool hasReusePort() { return false; }

void setReusePort(NativeSocket /*socket*/, bool /*isOn*/) {}

bool isOpen(NativeSocket socket) noexcept {
  int type = 0;
  int size = sizeof type;
  return ::getsockopt(socket, SOL_SOCKET, SO_TYPE, reinterpret_cast<char*>(&type), &size) == 0;
}

bool isInherited(NativeSocket socket) noexcept {
  DWORD flags = HANDLE_FLAG_INHERIT;
  ::GetHandleInformation(reinterpret_cast<HANDLE>(socket), &flags);
  return (flags & HANDLE_FLAG_INHERIT) != 0;
}

bool showsOwnersOfSockets() { return !isEmulated(); }

std::size_t countDescriptors() {
  DWORD count = 0;
  checked(::GetProcessHandleCount(::GetCurrentProcess(), &count), "GetProcessHandleCount");
  return count;
}

// ---- Leases -------------------------------------------------------------------------------------

bool areLeasesBound() { return false; }

// ---- Processes ----------------------------------------------------------------------------------

bool isEmulated() {
  return ::GetProcAddress(::GetModuleHandleW(L"ntdll.dll"), "wine_get_version") != nullptr;
}

void setVariable(const std::string& name, const std::optional<std::string>& value) {
  ::_wputenv_s(platform::utf16(name).c_str(), platform::utf16(value.value_or("")).c_str());
}

bool canSetToNothing() { return false; }

bool hasVariablesByCase() { return false; }

std::shared_ptr<FILE> startProgram(const std::string& path, const std::string& argument) {
  auto pipe = openPipe(Inherited::WriteEnd);
  const auto arguments = argument.empty() ? std::vector<std::string>() : std::vector{argument};
  const std::shared_ptr<void> process =
      startProcess(path, arguments, {nullptr, pipe.writeEnd.get(), pipe.writeEnd.get()});
  const int end =
      ::_open_osfhandle(reinterpret_cast<std::intptr_t>(pipe.readEnd.release()), _O_TEXT);
  return {::_fdopen(end, "r"), [process](FILE* output) {
            std::fclose(output);
            ::WaitForSingleObject(process.get(), INFINITE);
          }};
}

StderrPipe::StderrPipe()
    : before_(reinterpret_cast<std::intptr_t>(::GetStdHandle(STD_ERROR_HANDLE))) {
  auto pipe = openPipe(Inherited::WriteEnd);
  checked(::SetStdHandle(STD_ERROR_HANDLE, pipe.writeEnd.release()), "SetStdHandle");
  readEnd_ = reinterpret_cast<std::intptr_t>(pipe.readEnd.release());
}

StderrPipe::~StderrPipe() {
  ::CloseHandle(::GetStdHandle(STD_ERROR_HANDLE));
  ::SetStdHandle(STD_ERROR_HANDLE, toHandle(before_));
  ::CloseHandle(toHandle(readEnd_));
}

char StderrPipe::read() const {
  char byte = 0;
  DWORD count = 0;
  checked(::ReadFile(toHandle(readEnd_), &byte, 1, &count, nullptr), "ReadFile");
  return byte;
}

bool StderrPipe::hasByte() const {
  DWORD count = 0;
  checked(::PeekNamedPipe(toHandle(readEnd_), nullptr, 0, nullptr, &count, nullptr),
          "PeekNamedPipe");
  return count != 0;
}

// A death test starts this program once more, which runs the test up to here. It reads what that
// writes to stderr.
void checkInChild(const std::function<void()>& check) {
  constexpr int kFailed = 1;
  constexpr int kRefused = 2;
  bool isRefused = false;
  const auto isFine = [&](int exitCode) {
    isRefused = exitCode == kRefused;
    return exitCode == 0 || isRefused;
  };
  EXPECT_EXIT(
      {
        int exitCode = 0;
        try {
          check();
        } catch (const Refused& refused) {
          std::fprintf(stderr, "%s\n", refused.what());
          exitCode = kRefused;
        } catch (const std::exception& error) {
          std::fprintf(stderr, "%s\n", error.what());
          exitCode = kFailed;
        }
        if (::testing::Test::HasFailure()) exitCode = kFailed;
        std::fflush(nullptr);
        std::_Exit(exitCode);
      },
      isFine, "");
  if (isRefused) GTEST_SKIP() << "the system refuses what the check needs";
}

void allowSockets(std::size_t /*count*/) {}

bool enterOwnNetwork() { return false; }
void setEphemeralRange(const std::string& /*range*/) { refuse("networks of a process's own"); }
void switchOffIPv6() { refuse("networks of a process's own"); }
void refuseSocketQueries() { refuse("filter of system calls"); }
void hideSocketTables() { refuse("filter of system calls"); }

}  // namespace portpool::test
