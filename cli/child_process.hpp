#pragma once

#include "commands.hpp"

#include <functional>

namespace portpool::cli {

/// Runs the command until it ends, and returns its exit status, or 128 and the number of the signal
/// that ended it. Signals that are sent to this process meanwhile go to the command. The command is
/// killed if this process is, and this process if its parent is. `prepare` runs in the child,
/// before the command.
int runCommand(
    const Command& command, const std::function<void()>& prepare = [] {});

/// Becomes the command. Returns the exit status of a failure, having said what it is.
int becomeCommand(const Command& command);

}  // namespace portpool::cli
