#include "child_process.hpp"
#include "descriptor.hpp"
#include "ports.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <system_error>
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
      if (number.ec == std::errc::result_out_of_range || index >= ports.size()) {
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

constexpr int kFirstPassed = 3;

/// Copies of the sockets beyond those descriptors where the command finds them.
std::vector<Descriptor> outOfTheWay(const std::vector<ListeningSocket>& sockets) {
  const int beyond = kFirstPassed + static_cast<int>(sockets.size());
  std::vector<Descriptor> moved;
  for (const auto& socket : sockets) {
    moved.emplace_back(::fcntl(socket.nativeHandle(), F_DUPFD_CLOEXEC, beyond));
    if (!moved.back()) {
      throw std::system_error(errno, std::generic_category(), "a socket for the command");
    }
  }
  return moved;
}

/// To a command that is this process.
void pass(const std::vector<Descriptor>& sockets) {
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    if (::dup2(sockets[i].get(), kFirstPassed + static_cast<int>(i)) < 0) ::_exit(kFailure);
  }
  ::setenv("LISTEN_FDS", std::to_string(sockets.size()).c_str(), 1);
  ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
  ::unsetenv("LISTEN_FDNAMES");  // of sockets that somebody else has passed
}

}  // namespace

int exec(const ExecOptions& options, Command command) {
  checkPorts(options.ports);
  const auto parent = endWithParent();
  if (!isolateIfRequested()) return kFailure;
  auto owners =
      takePorts(options.ports, options.hold || options.listen ? Hold::Shared : Hold::None);
  std::vector<std::uint16_t> ports;
  std::vector<ListeningSocket> sockets;
  for (const auto& owner : owners) ports.push_back(owner.port());
  if (options.listen) {
    for (auto& owner : owners) sockets.push_back(owner.listen());
  }
  const auto passed = outOfTheWay(sockets);
  for (auto& word : command) word = withPorts(word, ports);
  const auto set = [&](const std::string& name, std::uint16_t port) {
    ::setenv(name.c_str(), std::to_string(port).c_str(), 1);
  };
  set(options.variable, ports.front());
  for (std::size_t i = 0; i < ports.size(); ++i) {
    set(options.variable + std::to_string(i), ports[i]);
  }
  return runCommand(command, parent, [&] {
    if (!passed.empty()) pass(passed);
  });
}

}  // namespace portpool::cli
