#pragma once

// What tests do to the system or ask of it, beyond fork.hpp. The files beside it implement it, and
// some functions of surroundings.hpp. Where a system cannot do one, that throws Refused, and its
// test is skipped.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "platform/socket.hpp"
#include "refused.hpp"

namespace portpool::test {

// ---- Sockets of programs that know nothing of portpool ------------------------------------------

/// A socket that no program inherits; none, with the error, if the system refuses it.
platform::Socket newSocket(int family, int type);

/// Accepts a connection, by a socket that no program inherits; returns kNoSocket with the error.
NativeSocket acceptFrom(NativeSocket listener) noexcept;

/// Why the last call of this thread failed, as errno numbers it.
int lastSocketError() noexcept;

void setNonBlocking(NativeSocket socket);

/// Ends the stream to the other side.
void endSending(NativeSocket socket);

/// Whether the system has SO_REUSEPORT. Windows has SO_REUSEADDR only, which does more.
bool hasReusePort();

/// Sets it, where the system has it.
void setReusePort(NativeSocket socket, bool isOn);

bool isOpen(NativeSocket socket) noexcept;
bool isInherited(NativeSocket socket) noexcept;

/// Whether the system says which process has a socket open: for Wine, its server has every one.
bool showsOwnersOfSockets();

/// How many descriptors or handles this process has open.
std::size_t countDescriptors();

// ---- Leases -------------------------------------------------------------------------------------

/// Whether a lease is a socket bound to a name.
bool areLeasesBound();

// ---- Processes ----------------------------------------------------------------------------------

/// Whether another system plays this one, which takes longer: Wine plays Windows.
bool isEmulated();

/// Sets a variable of this process's environment, or removes it.
void setVariable(const std::string& name, const std::optional<std::string>& value);

/// Whether a process can set a variable to "", which else removes it.
bool canSetToNothing();

/// Whether the case of a variable's name matters.
bool hasVariablesByCase();

/// Starts the program, and reads all that it writes; the last one to let go of the file waits for
/// its end.
std::shared_ptr<FILE> startProgram(const std::string& path, const std::string& argument = "");

/// As long as it exists, what this process writes to stderr goes to a pipe.
class StderrPipe {
 public:
  StderrPipe();
  StderrPipe(const StderrPipe&) = delete;
  StderrPipe& operator=(const StderrPipe&) = delete;
  ~StderrPipe();

  /// Waits for the next byte.
  char read() const;
  /// Whether there is one already.
  bool hasByte() const;

 private:
  std::intptr_t before_;  // as the system calls them
  std::intptr_t readEnd_;
};

// ---- Only for a child, since they cannot be undone ----------------------------------------------

/// Lets this process have so many sockets.
void allowSockets(std::size_t count);

/// In a network of its own: sets the range of ephemeral ports, "20000 30000".
void setEphemeralRange(const std::string& range);

/// In a network of its own.
void switchOffIPv6();

/// Refuses this process the kernel's answers about sockets, but for the tables in its files.
void refuseSocketQueries();

/// Refuses it those tables, too.
void hideSocketTables();

/// Mounts something empty there, of which this process may only read.
void mountForReading(const std::string& folder);

/// From now on this process is killed when it opens a descriptor that programs inherit.
void dieOfInheritance();

/// Has it run on that processor only.
void runOn(int processor);

/// Has it keep its processor from others, but for the small part that the kernel gives them all the
/// same.
void becomeRealTime();

}  // namespace portpool::test
