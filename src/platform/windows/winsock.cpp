#include "winsock.hpp"

#include "platform/system_error.hpp"

#include <atomic>

namespace portpool::platform {
namespace {

std::atomic<bool> isStopped = false;

void start() {
  constexpr WORD kVersion = MAKEWORD(2, 2);
  WSADATA data{};
  if (const int error = ::WSAStartup(kVersion, &data); error != 0) {
    throwSystemError("WSAStartup", error);
  }
}

class Winsock {
 public:
  Winsock() { start(); }
  Winsock(const Winsock&) = delete;
  Winsock& operator=(const Winsock&) = delete;
  ~Winsock() {
    ::WSACleanup();
    isStopped = true;
  }
};

}  // namespace

void startWinsock() {
  static const Winsock winsock;
  // Static objects that are older than it end after it. Then the system stops what they start.
  if (isStopped.exchange(false)) start();
}

}  // namespace portpool::platform
