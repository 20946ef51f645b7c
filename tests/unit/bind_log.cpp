#include "bind_log.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <mutex>

namespace portpool::test {
namespace {

std::mutex mutex;
std::vector<std::string>* log = nullptr;

std::string describe(const sockaddr* address, socklen_t size) {
  if (address->sa_family != AF_UNIX) {
    // The port stands at one place in both families.
    return "probe " +
           std::to_string(ntohs(reinterpret_cast<const sockaddr_in*>(address)->sin_port));
  }
  const char* name = reinterpret_cast<const sockaddr_un*>(address)->sun_path + 1;
  const std::string text(name, size - offsetof(sockaddr_un, sun_path) - 1);
  return "lease " + text.substr(text.find('/') + 1);
}

}  // namespace

BindLog::BindLog() {
  const std::lock_guard<std::mutex> lock(mutex);
  log = new std::vector<std::string>;
}

BindLog::~BindLog() {
  const std::lock_guard<std::mutex> lock(mutex);
  delete log;
  log = nullptr;
}

std::vector<std::string> BindLog::calls() const {
  const std::lock_guard<std::mutex> lock(mutex);
  return *log;
}

}  // namespace portpool::test

/// Takes the place of the C library's for this program, portpool included.
extern "C" int bind(int socket, const sockaddr* address, socklen_t size) noexcept {
  {
    const std::lock_guard<std::mutex> lock(portpool::test::mutex);
    if (portpool::test::log != nullptr) {
      portpool::test::log->push_back(portpool::test::describe(address, size));
    }
  }
  return static_cast<int>(::syscall(SYS_bind, socket, address, size));
}
