#pragma once

#include "platform/lease.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace portpool {

/// A server that hands out ports to processes, each until its process ends: Google's portserver, or
/// `portpool serve`, which also holds the leases and hands out consecutive ports. Thread-safe.
class PortServer {
 public:
  enum class Choice { Any, Consecutive };
  static constexpr std::size_t kMostAtOnce = 1000;

  /// The address of the server is that of a Unix socket: "@name", or a path.
  explicit PortServer(std::string address) : address_(std::move(address)) {}

  /// Asks which of the two it is, if that is not known. Throws PortServerError if it does not
  /// answer.
  void meet();

  /// Draws so many ports for this process, all or none: none if the server gives none. Of Google's
  /// portserver it is to be one. Throws as meet().
  std::vector<std::uint16_t> draw(std::size_t count, Choice choice) const;

  /// Whether it is `portpool serve`.
  bool isOurs() const noexcept { return kind_ == Kind::Ours; }

  std::string title() const;

  /// A message that the server has no port left, and what to do about it.
  std::string describeEnd() const;

 private:
  enum class Kind { Unknown, Ours, Another };

  std::string ask(const std::string& request, std::size_t longest) const;

  std::string address_;
  std::atomic<Kind> kind_{Kind::Unknown};
};

/// The server that PORTSERVER_ADDRESS names; null if it is not set, or a variable sets the ports.
std::unique_ptr<PortServer> portServerOfEnvironment();

/// Leases of ports from the server: leases that the server holds count as this process's own.
std::unique_ptr<platform::LeaseRegistry> makeLeaseRegistry(const PortServer& server);

}  // namespace portpool
