#include "winsock.hpp"

#include "platform/system_error.hpp"

namespace portpool::platform {
namespace {

bool start() {
  constexpr WORD kVersion = MAKEWORD(2, 2);
  WSADATA data{};
  if (const int error = ::WSAStartup(kVersion, &data); error != 0) {
    throwSystemError("WSAStartup", error);
  }
  return true;
}

}  // namespace

// The system stops it with the process. Nobody can before: threads use ports while the process
// exits, and so do static objects that are older than this.
void startWinsock() { static const bool isStarted [[maybe_unused]] = start(); }

}  // namespace portpool::platform
