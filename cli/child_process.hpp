#pragma once

#include "commands.hpp"

#include <sys/types.h>

#include <functional>

namespace portpool::cli {

/// From now on this process ends with its parent, which is returned.
pid_t endWithParent();

/// From now on signals to this process wait for runCommand(), which passes them to its command.
void holdSignals();

/// Runs the command until it ends, and returns its exit status, or 128 and the number of the signal
/// that ended it. Signals that are sent to this process meanwhile go to the command. The command is
/// killed if this process is, and ended if `parent` ends, the parent of this process. `prepare`
/// runs in the child, before the command.
int runCommand(const Command& command, pid_t parent, const std::function<void()>& prepare);

/// Replaces this process by the command. If that fails, logs why and returns the exit status.
int becomeCommand(Command command);

}  // namespace portpool::cli
