#pragma once

#include "platform/fork.hpp"

#include <portpool/port_request.hpp>
#include <portpool/port_set.hpp>
#include <portpool/tcp_port_owner.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace portpool {
namespace detail {

/// What a PortScope has taken. Guarded by platform::CoreLock, like the list of open scopes.
struct ScopeState {
  struct HandedOut {
    std::uint16_t port;
    Transport transport;
    std::string name;   // of the request
    std::string named;  // "server=20000", of the first port of that name
    bool isReported;    // in the report of an inner phase
  };
  struct Named {
    std::shared_ptr<const PortRequest> request;
    std::size_t count;
    std::uint16_t first;
  };
  struct Line {  // of describePorts()
    std::string phase;
    std::string name;
    bool isReturned;
  };

  /// The open scopes, outermost first. The first one belongs to the process and never ends.
  static std::vector<ScopeState*>& open() {
    static auto& states = *new std::vector<ScopeState*>{new ScopeState};
    return states;
  }

  /// The port that the innermost scope, or else a scope around it, has given that name, or null.
  static const Named* find(const std::string& wanted);

  static std::vector<Allocation*> allocationsOf(const std::vector<TCPPortOwner>& owned);

  /// Takes over the owners and returns their ports; `byName`, if not null, gives them its name. If
  /// memory runs out, leaves the owners to the caller, which destroys them without the lock.
  std::vector<std::uint16_t> adopt(std::vector<TCPPortOwner>& owned, const PortRequest* byName);

  /// Takes over the record of an inner scope that ends.
  void append(ScopeState& inner, const std::vector<std::string>& leaks);

  /// The ports of all open scopes, and the ports that the innermost scope has returned.
  static std::map<std::uint16_t, Line> lines();

  std::string name;
  std::uint64_t process = platform::currentProcess();  // that opened it
  std::vector<TCPPortOwner> owners;
  std::vector<HandedOut> handedOut;
  std::vector<Named> named;
  PortSet leaked;
  bool isReported = false;
  std::vector<std::string> failures;  // leaks of inner scopes
};

}  // namespace detail

/// The port for a message, with its name in the open scopes, if it has one.
std::string portTitle(std::uint16_t port);

}  // namespace portpool
