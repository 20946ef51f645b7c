#pragma once

#include <string>
#include <vector>

#include "platform/windows/handle.hpp"

namespace portpool::test {

/// Of a process that is to be started.
struct Streams {
  HANDLE input, output, errors;
};

/// Starts the program without a console; it inherits every handle of this process that is
/// inheritable, as the children of careless programs do. `environment` is a block as the system has
/// it, or else this process's. Throws std::system_error.
platform::Handle startProcess(const std::string& path, const std::vector<std::string>& arguments,
                              const Streams& streams, std::wstring environment = {});

}  // namespace portpool::test
