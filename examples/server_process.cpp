#include "server_process.hpp"

#include "child_process.hpp"
#include "support/boost_process.hpp"
#include "test_support.hpp"

#include <portpool/errors.hpp>
#include <portpool/sockets.hpp>

#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <system_error>
#include <utility>

namespace fs = std::filesystem;

namespace {

[[noreturn]] void throwErrno(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

struct User {
  ::uid_t user;
  ::gid_t group;
};

/// Nobody, unless this process is root's and `name` is not empty.
std::optional<User> insteadOfRoot(const std::string& name) {
  if (name.empty() || ::geteuid() != 0) return std::nullopt;
  const auto* entry = ::getpwnam(name.c_str());
  if (entry == nullptr) throw std::runtime_error("there is no user " + name);
  return User{entry->pw_uid, entry->pw_gid};
}

std::string textOf(const fs::path& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

bp::child start(const ServerCommand& command, const fs::path& log) {
  const auto user = insteadOfRoot(command.insteadOfRoot);
  return bp::child(command.program, bp::args(command.arguments), (bp::std_in < bp::null),
                   ((bp::std_out & bp::std_err) > log.string()),
                   bp::extend::on_exec_setup([&, parent = ::getpid()](auto&) {
                     if (user && (::setgroups(0, nullptr) != 0 || ::setgid(user->group) != 0 ||
                                  ::setuid(user->user) != 0)) {
                       ::perror(command.insteadOfRoot.c_str());
                       ::_exit(EXIT_FAILURE);
                     }
                     // The server ends with the test, however the test ends. A change of the user
                     // undoes this.
                     ::prctl(PR_SET_PDEATHSIG, command.endSignal);
                     if (::getppid() != parent) ::_exit(EXIT_FAILURE);  // it has ended already
                   }));
}

}  // namespace

// ---- Folders ------------------------------------------------------------------------------------

ServerFolder::ServerFolder(const std::string& server)
    : path_(fs::temp_directory_path() / ("portpool-" + server + '-' + randomToken())) {
  fs::create_directory(path_);
}

ServerFolder::~ServerFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void ServerFolder::giveInsteadOfRoot(const std::string& user) const {
  const auto owner = insteadOfRoot(user);
  if (owner && ::chown(path_.c_str(), owner->user, owner->group) != 0) throwErrno(path_.string());
}

// ---- Processes ----------------------------------------------------------------------------------

struct ServerProcess::Impl {
  Impl(std::uint16_t number, ServerCommand run, fs::path file)
      : port(number), command(std::move(run)), log(std::move(file)) {}
  ~Impl() {
    std::error_code ignored;
    if (!process.running(ignored)) return;
    ::kill(process.id(), command.endSignal);  // child::terminate does not wait for the end
    process.wait(ignored);
  }

  std::string name() const {
    return fs::path(command.program).filename().string() + " on port " + std::to_string(port);
  }

  [[noreturn]] void throwDeath() const {
    const auto text = textOf(log);
    const auto details = name() + " ends: " + text;
    if (text.find("Address already in use") != std::string::npos) throw Collision(details);
    throw std::runtime_error(details);
  }

  const std::uint16_t port;
  const ServerCommand command;
  const fs::path log;
  bp::child process = start(command, log);
};

ServerProcess::ServerProcess(std::uint16_t port, ServerCommand command, fs::path log)
    : impl_(std::make_unique<Impl>(port, std::move(command), std::move(log))) {}

ServerProcess::~ServerProcess() = default;

std::uint16_t ServerProcess::port() const { return impl_->port; }
int ServerProcess::pid() const { return impl_->process.id(); }

void ServerProcess::waitUntilItListens() {
  constexpr std::chrono::seconds kPatience(30);
  try {
    portpool::waitUntilListening(port(), portpool::kHost, kPatience, pid());
  } catch (const portpool::NotListeningError&) {
    if (!impl_->process.running()) impl_->throwDeath();
    throw;
  }
}

void ServerProcess::waitUntil(const std::function<bool()>& answers) {
  ::waitUntil(impl_->name() + " answers", [&] {
    if (answers()) return true;
    if (!impl_->process.running()) impl_->throwDeath();
    return false;
  });
}

void runToItsEnd(const ServerCommand& command, const fs::path& log) {
  auto process = start(command, log);
  process.wait();
  if (process.exit_code() == EXIT_SUCCESS) return;
  throw std::runtime_error(command.program + " fails: " + textOf(log));
}

void waitUntilServerOfKilledProcessEnds(std::uint16_t port,
                                        const std::function<void()>& startAndDie) {
  const ServerFolder folder("killed");  // of which the process removes nothing
  ChildProcess process{[&] {
    ::setenv("TMPDIR", folder.path().c_str(), 1);
    startAndDie();
  }};
  if (process.wait() != SIGKILL) throw std::runtime_error("the process is not killed");
  ::waitUntil("nobody listens on port " + std::to_string(port), [port] {
    try {
      portpool::waitUntilListening(port, portpool::kHost, std::chrono::seconds(0));
      return false;
    } catch (const portpool::NotListeningError&) {
      return true;
    }
  });
}
