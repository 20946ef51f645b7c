#include "winsock.hpp"

#include "platform/system_error.hpp"

namespace portpool::platform {
namespace {

class Winsock {
 public:
  Winsock() {
    constexpr WORD kVersion = MAKEWORD(2, 2);
    WSADATA data{};
    if (const int error = ::WSAStartup(kVersion, &data); error != 0) {
      throwSystemError("WSAStartup", error);
    }
  }
  Winsock(const Winsock&) = delete;
  Winsock& operator=(const Winsock&) = delete;
  ~Winsock() { ::WSACleanup(); }
};

}  // namespace

// Static objects that were built after it end before it. A port of an older one is returned all the
// same: this closes the sockets that are still open.
void startWinsock() { static const Winsock winsock; }

}  // namespace portpool::platform
