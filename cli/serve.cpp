#include "commands.hpp"
#include "descriptor.hpp"
#include "port_server.hpp"
#include "request_loop.hpp"

#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace portpool::cli {
namespace {

/// The name of a Unix socket: after a "@" that of an abstract one, otherwise a path.
class UnixAddress {
 public:
  explicit UnixAddress(std::string name) : name_(std::move(name)) {
    if (name_.size() < 2 || name_.size() >= sizeof address_.sun_path) {
      throw std::runtime_error("\"" + name_ +
                               "\" is not an address; give @NAME or a path, of 2 to " +
                               std::to_string(sizeof address_.sun_path - 1) + " characters");
    }
    address_.sun_family = AF_UNIX;
    name_.copy(address_.sun_path, name_.size());
    if (isAbstract()) address_.sun_path[0] = '\0';
    size_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name_.size() +
                                   (isAbstract() ? 0 : 1));
  }

  const std::string& name() const { return name_; }
  bool isAbstract() const { return name_.front() == '@'; }

  /// Each returns whether it has succeeded, and sets errno.
  bool bind(const Descriptor& socket) const {
    return ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address_), size_) == 0;
  }
  bool connect(const Descriptor& socket) const {
    return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address_), size_) == 0;
  }

 private:
  std::string name_;
  sockaddr_un address_{};
  socklen_t size_;
};

Descriptor openSocket() {
  return Descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

/// Whether the address is a socket that a server has left behind.
bool isStale(const UnixAddress& address) {
  struct stat status {};
  return !address.isAbstract() && ::lstat(address.name().c_str(), &status) == 0 &&
         S_ISSOCK(status.st_mode) && !address.connect(openSocket()) && errno == ECONNREFUSED;
}

Descriptor listenOn(const UnixAddress& address, bool servesAnyUser) {
  ::umask(servesAnyUser ? 0 : S_IRWXG | S_IRWXO);
  auto socket = openSocket();
  bool isBound = address.bind(socket);
  if (!isBound && errno == EADDRINUSE && isStale(address)) {
    ::unlink(address.name().c_str());
    isBound = address.bind(socket);
  }
  if (isBound && ::listen(socket.get(), SOMAXCONN) == 0) return socket;
  if (errno == EADDRINUSE) {
    throw std::runtime_error("the address " + address.name() +
                             " is in use; stop the server that has it, or serve on another "
                             "(--address), which clients find by PORTSERVER_ADDRESS");
  }
  throw std::system_error(errno, std::generic_category(), "cannot serve on " + address.name());
}

PortSet portsFor(const ServeOptions& options) {
  if (!options.ports) return getServerTCPPorts();
  auto ports = parsePortSet(*options.ports, "--ports") - excludedTCPPorts();
  if (ports.empty()) {
    throw std::runtime_error("--ports " + *options.ports + " leaves no port; without " +
                             excludedTCPPorts().toString() +
                             ", which browsers refuse to open, give a set like 20000-20999");
  }
  return ports;
}

/// A descriptor that is readable when a signal asks this program to end.
Descriptor endingSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  Descriptor descriptor(::signalfd(-1, &signals, SFD_CLOEXEC));
  if (!descriptor) throw std::system_error(errno, std::generic_category(), "signalfd");
  return descriptor;
}

}  // namespace

int serve(const ServeOptions& options) {
  const auto ports = portsFor(options);
  const UnixAddress address(options.address);
  PortServer server(ports, options.servesAnyUser);
  const auto end = endingSignals();
  const auto listener = listenOn(address, options.servesAnyUser);

  constexpr unsigned kMostThreads = 4;  // of which one has all to do if few clients ask at a time
  std::vector<std::unique_ptr<RequestLoop>> loops(
      std::clamp(std::thread::hardware_concurrency(), 1U, kMostThreads));
  for (auto& loop : loops) {
    loop = std::make_unique<RequestLoop>(listener.get(), end.get(), server);
  }
  std::printf("serving %zu ports on %s\n", ports.size(), address.name().c_str());
  std::fflush(stdout);
  std::vector<std::thread> threads;
  for (auto& loop : loops) threads.emplace_back([&] { loop->run(); });
  for (auto& thread : threads) thread.join();
  if (!address.isAbstract()) ::unlink(address.name().c_str());
  return 0;
}

}  // namespace portpool::cli
