#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "fork.hpp"
#include "system.hpp"
#include "unit/surroundings.hpp"

namespace portpool::test {
namespace {

[[noreturn]] void refuse(const char* what) {
  throw Refused(std::string("this system has no ") + what);
}

}  // namespace

bool areLeasesBound() { return false; }

NativeSocket acceptFrom(NativeSocket listener) noexcept {
  const int connection = ::accept(listener, nullptr, nullptr);
  if (connection >= 0) ::fcntl(connection, F_SETFD, FD_CLOEXEC);
  return connection;
}

bool enterOwnNetwork() { return false; }

void refuseSocketQueries() { refuse("filter of system calls"); }
void dieOfInheritance() { refuse("filter of system calls"); }
void hideSocketTables() { refuse("file systems of a process's own"); }
void mountForReading(const std::string& /*folder*/) { refuse("file systems of a process's own"); }
void setEphemeralRange(const std::string& /*range*/) { refuse("networks of a process's own"); }
void switchOffIPv6() { refuse("networks of a process's own"); }

void giveUpCapabilities() {
  if (::geteuid() == 0) refuse("way for root to give up its powers and stay root");
}

void runOn(int /*processor*/) { refuse("choice of a processor"); }
void becomeRealTime() { refuse("real-time scheduling of a process"); }

}  // namespace portpool::test
