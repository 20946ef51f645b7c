#pragma once

#include "support/process.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace portpool::test {

using Arguments = std::vector<std::string>;
using Variables = std::map<std::string, std::string>;

/// Runs the portpool command to its end.
ProcessResult runPortpool(const Arguments& arguments, const Variables& variables = {});

/// Runs a script in a shell, in which `portpool` is the command.
ProcessResult runScript(const std::string& script, const std::string& shell = "sh",
                        const Variables& variables = {});

/// Whether processes may have networks of their own here. Not under ThreadSanitizer, for one, which
/// starts a thread in each program.
bool canIsolate();

/// The numbers in the text, between blanks.
std::vector<std::uint16_t> portsIn(const std::string& text);

/// Whether some process leases the port, in this process's network.
bool isLeased(std::uint16_t port);

/// Waits until nobody leases the port.
void awaitReturnOf(std::uint16_t port);

}  // namespace portpool::test
