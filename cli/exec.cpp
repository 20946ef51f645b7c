#include "child_process.hpp"
#include "ports.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <utility>

namespace portpool::cli {
namespace {

/// The argument with `{port}` and `{port0}` and so on replaced.
std::string withPorts(const std::string& argument, const std::vector<std::uint16_t>& ports) {
  static const std::string kMark = "{port";
  std::string result;
  std::size_t at = 0;
  for (;;) {
    const auto mark = argument.find(kMark, at);
    if (mark == std::string::npos) break;
    const auto* begin = argument.data() + mark + kMark.size();
    const auto* end = argument.data() + argument.size();
    std::size_t index = 0;
    const auto number = std::from_chars(begin, end, index);
    result.append(argument, at, mark - at);
    if (number.ptr != end && *number.ptr == '}') {
      if (index >= ports.size()) {
        throw std::runtime_error("there is no port for " + std::string(begin - 5, number.ptr + 1) +
                                 " in \"" + argument + "\"; ask for more ports with -n");
      }
      result += std::to_string(ports[index]);
      at = static_cast<std::size_t>(number.ptr + 1 - argument.data());
    } else {
      result += kMark;
      at = mark + kMark.size();
    }
  }
  return result.append(argument, at, std::string::npos);
}

/// Moves the sockets to the descriptors from 3 on, where the command finds them.
void passSockets(const std::vector<int>& sockets) {
  constexpr int kFirst = 3;
  const int beyond = kFirst + static_cast<int>(sockets.size());
  std::vector<int> moved;  // out of each other's way
  for (const int socket : sockets) moved.push_back(::fcntl(socket, F_DUPFD_CLOEXEC, beyond));
  for (std::size_t i = 0; i < moved.size(); ++i) {
    if (::dup2(moved[i], kFirst + static_cast<int>(i)) < 0) std::abort();
  }
  ::setenv("LISTEN_FDS", std::to_string(sockets.size()).c_str(), 1);
  ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
}

}  // namespace

int exec(const ExecOptions& options, Command command) {
  if (!isolateIfRequested()) return kFailure;
  auto owners =
      takePorts(options.ports, options.hold || options.listen ? Hold::Shared : Hold::None);
  std::vector<std::uint16_t> ports;
  std::vector<ListeningSocket> sockets;
  std::vector<int> descriptors;
  for (const auto& owner : owners) ports.push_back(owner.port());
  if (options.listen) {
    for (auto& owner : owners) {
      sockets.push_back(owner.listen());
      descriptors.push_back(sockets.back().nativeHandle());
    }
  }
  for (auto& word : command) word = withPorts(word, ports);
  const auto set = [&](const std::string& name, std::uint16_t port) {
    ::setenv(name.c_str(), std::to_string(port).c_str(), 1);
  };
  set(options.variable, ports.front());
  for (std::size_t i = 0; i < ports.size(); ++i) {
    set(options.variable + std::to_string(i), ports[i]);
  }
  return runCommand(command, [&] {
    if (!descriptors.empty()) passSockets(descriptors);
  });
}

}  // namespace portpool::cli
