#pragma once

#include <cstddef>

namespace portpool::audit {

/// Why the system will not preload a library into the program at `path`, or null if it will, or if
/// there is no such program. Of a script, that is the interpreter's reason. May change errno.
const char* whyUnseen(const char* path);

/// Writes the path of the program of that name to `path`, as execvp finds it; returns whether there
/// is one. May change errno.
bool findProgram(const char* name, char* path, std::size_t size);

}  // namespace portpool::audit
