#pragma once

#include <csignal>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

/// What a ServerProcess runs.
struct ServerCommand {
  std::string program;
  std::vector<std::string> arguments;
  /// What ends it. A server that has processes of its own needs one that lets it end them.
  int endSignal = SIGKILL;
  /// Who runs it if this process is root's, for servers that refuse to be.
  std::string insteadOfRoot = {};
};

/// A folder of its own for a server's files, gone with the object. Everybody may read it.
class ServerFolder {
 public:
  explicit ServerFolder(const std::string& server);
  ServerFolder(const ServerFolder&) = delete;
  ServerFolder& operator=(const ServerFolder&) = delete;
  ~ServerFolder();

  const std::filesystem::path& path() const { return path_; }

  /// Gives the folder to the user if this process is root's.
  void giveInsteadOfRoot(const std::string& user) const;

 private:
  std::filesystem::path path_;
};

/// A server program in a process of its own, which ends with the object, and with this process,
/// however that ends.
class ServerProcess {
 public:
  /// Starts the server, whose output goes to the file `log`, and returns at once.
  ServerProcess(std::uint16_t port, ServerCommand command, std::filesystem::path log);
  ~ServerProcess();

  std::uint16_t port() const;
  int pid() const;

  /// Waits until the server listens.
  void waitUntilItListens();
  /// Waits until `answers` returns true. Both throw if the server ends: Collision, if that is
  /// because the port is taken.
  void waitUntil(const std::function<bool()>& answers);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Runs a program to its end. Throws its output if it fails.
void runToItsEnd(const ServerCommand& command, const std::filesystem::path& log);

/// Runs `startAndDie`, which starts a server on the port and kills its own process, in a process of
/// its own. Returns once nobody listens on the port, and throws if that takes too long.
void waitUntilServerOfKilledProcessEnds(std::uint16_t port,
                                        const std::function<void()>& startAndDie);
