#pragma once

#include "commands.hpp"

#include <functional>

namespace portpool::cli {

/// Runs the command until it ends, and returns its exit status, or 128 plus the number of the
/// signal that ended it. Signals sent to this process meanwhile are forwarded to the command. The
/// command is killed if this process is, and ended if the parent of this process ends. `prepare`
/// runs in the child before the command.
int runCommand(
    const Command& command, const std::function<void()>& prepare = [] {});

/// Replaces this process by the command. If that fails, logs why and returns the exit status.
int becomeCommand(const Command& command);

}  // namespace portpool::cli
