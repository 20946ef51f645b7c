#pragma once

#include "platform/windows/handle.hpp"

namespace portpool::test {

struct Pipe {
  platform::Handle readEnd, writeEnd;
};

enum class Inherited { ReadEnd, WriteEnd };

/// A pipe of which programs inherit that end. Throws std::system_error.
Pipe openPipe(Inherited end);

/// Throws the std::system_error of the call that failed.
[[noreturn]] void throwLastError(const char* call);

}  // namespace portpool::test
