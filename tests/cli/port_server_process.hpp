#pragma once

#include "command.hpp"

#include <sys/types.h>

#include <memory>
#include <string>

namespace portpool::test {

/// A port server that runs, from when it is ready on.
class PortServerProcess {
 public:
  /// Runs `program` until the end of this object. Throws std::runtime_error, with what it says, if
  /// it ends before it says that it serves.
  PortServerProcess(const std::string& program, const Arguments& arguments);
  PortServerProcess(const PortServerProcess&) = delete;
  PortServerProcess& operator=(const PortServerProcess&) = delete;
  ~PortServerProcess();

  /// Ends it by the signal; returns its exit status. Afterwards `said` is all that it has said.
  int end(int signal);
  pid_t pid() const { return pid_; }
  const std::string& said() const { return said_; }

 private:
  bool readMore();

  pid_t pid_ = 0;
  int output_ = -1;
  std::string said_;
};

/// An address that no other test has.
std::string newAddress();

/// `portpool serve` at the address.
std::unique_ptr<PortServerProcess> serveAt(const std::string& address, Arguments options = {});

/// What the server at the address answers, up to the end of the connection.
std::string ask(const std::string& address, const std::string& request);

/// The port that the server gives to the process; 0 if none.
std::uint16_t draw(const std::string& address, pid_t pid);

/// A child of this process that does nothing, until it is killed.
class Idler {
 public:
  Idler();
  Idler(const Idler&) = delete;
  Idler& operator=(const Idler&) = delete;
  ~Idler();

  pid_t pid() const { return pid_; }
  void kill() const;

 private:
  pid_t pid_;
};

}  // namespace portpool::test
