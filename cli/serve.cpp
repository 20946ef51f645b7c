#include "commands.hpp"
#include "descriptor.hpp"
#include "output.hpp"
#include "port_server.hpp"
#include "request_loop.hpp"

#include <fcntl.h>
#include <sys/file.h>
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
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
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
      throw UsageError("\"" + name_ + "\" is not an address; give @NAME or a path, of 2 to " +
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

/// A listening socket at an address. Its file, if it has one, is removed with it, if it is still
/// this one.
class Listener {
 public:
  Listener(const UnixAddress& address, bool servesAnyUser) : address_(address) {
    ::umask(servesAnyUser ? 0 : S_IRWXG | S_IRWXO);
    const auto folder = lockFolder();
    if (!listen() && (errno != EADDRINUSE || !isStale() || !unlink() || !listen())) throwError();
    if (!address.isAbstract()) ::lstat(address.name().c_str(), &file_);
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener() {
    struct stat now {};
    if (address_.isAbstract() || ::lstat(address_.name().c_str(), &now) != 0) return;
    if (now.st_ino == file_.st_ino && now.st_dev == file_.st_dev) unlink();
  }

  int descriptor() const { return socket_.get(); }

 private:
  /// Keeps other servers from starting in the same folder for a moment, as long as the descriptor
  /// is open: what one has bound looks like what another has left behind until it listens.
  Descriptor lockFolder() const {
    if (address_.isAbstract()) return Descriptor(-1);
    const auto end = address_.name().rfind('/');
    const auto path = end == std::string::npos ? "." : address_.name().substr(0, end + 1);
    Descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    constexpr int kTries = 100;  // that whoever may read the folder could keep up for ever
    for (int i = 0; folder && i < kTries && ::flock(folder.get(), LOCK_EX | LOCK_NB) != 0; ++i) {
      ::usleep(10000);
    }
    return folder;
  }

  bool listen() {
    socket_ = openSocket();
    return socket_ && address_.bind(socket_) && ::listen(socket_.get(), SOMAXCONN) == 0;
  }

  /// Whether the address is a socket that a server has left behind.
  bool isStale() const {
    struct stat status {};
    const bool isStale = !address_.isAbstract() && ::lstat(address_.name().c_str(), &status) == 0 &&
                         S_ISSOCK(status.st_mode) && !address_.connect(openSocket()) &&
                         errno == ECONNREFUSED;
    if (!isStale) errno = EADDRINUSE;
    return isStale;
  }

  bool unlink() const { return ::unlink(address_.name().c_str()) == 0; }

  [[noreturn]] void throwError() const {
    if (errno == EADDRINUSE) {
      throw std::runtime_error("the address " + address_.name() +
                               " is in use; stop the server that has it, or serve on another "
                               "(--address), which clients find by PORTSERVER_ADDRESS");
    }
    throw noDescriptor("cannot serve on " + address_.name());
  }

  const UnixAddress& address_;
  Descriptor socket_{-1};
  struct stat file_ {};
};

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
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
    struct sigaction action {};  // which nohup(1), for one, has set
    if (::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) continue;
    sigaddset(&signals, signal);
  }
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  Descriptor descriptor(::signalfd(-1, &signals, SFD_CLOEXEC));
  if (!descriptor) throw noDescriptor("signalfd");
  return descriptor;
}

/// Runs each loop in a thread, all or none of them. Calls `announce` before they begin.
void runAll(const std::vector<std::unique_ptr<RequestLoop>>& loops,
            const std::function<void()>& announce) {
  std::promise<bool> decision;
  std::vector<std::thread> threads;
  threads.reserve(loops.size());
  const auto decide = [&](bool run) {
    decision.set_value(run);
    for (auto& thread : threads) thread.join();
  };
  try {
    const auto runs = decision.get_future().share();
    for (const auto& loop : loops) {
      threads.emplace_back([&loop, runs] {
        if (runs.get()) loop->run();
      });
    }
  } catch (const std::exception& error) {
    decide(false);
    throw std::runtime_error(std::string("cannot start the threads that serve (") + error.what() +
                             "); allow this user more processes (ulimit -u) or more memory "
                             "(ulimit -v)");
  }
  try {
    announce();
  } catch (...) {
    decide(false);
    throw;
  }
  decide(true);
}

}  // namespace

int serve(const ServeOptions& options) {
  const auto ports = portsFor(options);
  const UnixAddress address(options.address);
  PortServer server(ports, options.servesAnyUser);
  const auto end = endingSignals();
  const Listener listener(address, options.servesAnyUser);
  ::signal(SIGPIPE, SIG_IGN);  // of those who no longer read what it says

  constexpr unsigned kMostThreads = 4;  // of which one has all to do if few clients ask at a time
  std::vector<std::unique_ptr<RequestLoop>> loops(
      std::clamp(std::thread::hardware_concurrency(), 1U, kMostThreads));
  for (auto& loop : loops) {
    loop = std::make_unique<RequestLoop>(listener.descriptor(), end.get(), server);
  }
  runAll(loops, [&] {
    print("serving " + counted(ports.size(), "port") + " on " + address.name() + '\n');
  });
  return 0;
}

}  // namespace portpool::cli
