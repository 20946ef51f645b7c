#pragma once

#include "platform/private_socket.hpp"
#include "platform/socket.hpp"

#include <portpool/port_request.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace portpool {

/// Opens an exclusive hold to servers with SO_REUSEADDR or SO_REUSEPORT.
void shareHold(const std::vector<platform::PrivateSocket>& hold);

/// Binds ports on the hosts of one request: for an instant, to find out whether they are free, or
/// to hold them. Keeps a socket that failed to bind for the next port, which makes a busy port
/// cheap.
class Probe {
 public:
  /// The request must outlive the probe. Throws HostError if a host does not resolve, or there is
  /// none.
  explicit Probe(const PortRequest& request);
  explicit Probe(PortRequest&& request) = delete;

  enum class Mode {
    Exclusive,        ///< as a server without SO_REUSEADDR binds
    BesidesLingering  ///< as a server with SO_REUSEADDR binds
  };
  enum class Result {
    Free,
    Busy,
    Forbidden,  ///< this user may not bind it
  };

  /// Returns whether the port can be bound on every host, for every transport of the request. No
  /// child that another thread forks or starts meanwhile can disturb a TCP server that sets
  /// SO_REUSEADDR. Throws HostError if a host is not of this machine or its family is missing,
  /// DescriptorLimitError, or PortPoolError if the system fails otherwise.
  Result isFree(std::uint16_t port, Mode mode = Mode::Exclusive) {
    return tryBind(port, mode, nullptr);
  }

  /// The same, and keeps a free port bound for TCP, if the request asks for a hold, by the sockets
  /// that it adds to `hold`. With Hold::Shared they are open to servers with SO_REUSEADDR or
  /// SO_REUSEPORT.
  Result take(std::uint16_t port, Mode mode, std::vector<platform::PrivateSocket>& hold);

  /// Whether a TCP socket of this machine at `address`, on whatever port, has to do with a server
  /// on the hosts of the request.
  bool concerns(platform::SocketAddress address) const;

 private:
  struct Target {
    bool isDualStack() const { return family == AddressFamily::Any; }

    const std::string* host;
    platform::SocketAddress address;
    SocketType type;
    AddressFamily family;  // Any: a socket for the address serves both, if it is of IPv6
    bool isHeld = false;   // if the caller wants a hold, and no other target covers it
    platform::Socket socket = platform::Socket();
  };

  /// Binds one target after the other. Adds the sockets to be held to `hold`, if it is not null.
  Result tryBind(std::uint16_t port, Mode mode, std::vector<platform::PrivateSocket>* hold);
  /// Throws unless the target is bound, busy, forbidden, or no address of this machine.
  platform::Refusal bind(Target& target, std::uint16_t port, Mode mode);
  void drop(std::size_t target);

  Hold hold_;
  std::vector<Target> targets_;
};

}  // namespace portpool
